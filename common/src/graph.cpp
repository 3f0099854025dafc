// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <utility>

#include "pdc/print.hpp"
#include "picture/columns.hpp"
#include "picture/drawing.hpp"
#include "run/world.hpp"
#include "speak/show.hpp"

namespace pdc {
namespace {

constexpr double half_height = 13;  // of a node
constexpr double layer_height = 60;

struct Point {
  double x, y;
};

struct Node {
  Point at;
  double half_width;
};

struct Line {
  std::string path;
  Point label;  // its middle
};

std::size_t place(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

/// Whether `to` comes right after `from` on the circle.
bool is_on(const std::vector<std::string>& cycle, const std::string& from, const std::string& to) {
  const std::size_t at = place(cycle, from);
  return at < cycle.size() && cycle[(at + 1) % cycle.size()] == to;
}

/// Two beside each other, more on an ellipse, since names are wide; around y = 0.
std::vector<Node> place_nodes(const std::vector<std::string>& names) {
  const auto count = static_cast<double>(names.size());
  const double up = names.size() == 2 ? 0 : 20 + 14 * count;
  const double across = names.size() == 2 ? 160 : std::min(2.2 * up, 320.0);
  std::vector<Node> nodes;
  for (const std::string& name : names) {
    const double part = static_cast<double>(nodes.size()) / count - (names.size() == 2 ? 0.25 : 0);
    const double turn = 2 * std::numbers::pi * part;
    nodes.push_back({{detail::picture_width / 2 + across * std::sin(turn), -up * std::cos(turn)},
                     std::max(40.0, 14 + detail::columns(name) * 3.6)});
  }
  return nodes;
}

/// Where the line from a node's middle to a point leaves the node, and a little farther.
Point rim(const Node& node, const Point& point) {
  const double x = point.x - node.at.x, y = point.y - node.at.y;
  const double part = std::min({(node.half_width + 3) / std::max(std::abs(x), 0.1),
                                (half_height + 3) / std::max(std::abs(y), 0.1), 1.0});
  return {node.at.x + part * x, node.at.y + part * y};
}

/// From node to node in a bow, so that two that wait for each other have two lines, with the label
/// on its outside.
Line draw_line(const Node& from, const Node& to, const std::string& label) {
  const auto [a, b] = std::pair(from.at, to.at);
  const double length = std::hypot(b.x - a.x, b.y - a.y);
  if (length == 0) {
    const double up = a.y - half_height - 3;
    return {fmt::format("M{0:.1f} {2:.1f}C{0:.1f} {3:.1f} {1:.1f} {3:.1f} {1:.1f} {2:.1f}",
                        a.x - 24, a.x + 24, up, up - 34),
            {a.x, up - 34}};
  }
  const Point out{(b.y - a.y) / length, (a.x - b.x) / length};  // at right angles to the line
  const Point bend{(a.x + b.x) / 2 + 28 * out.x, (a.y + b.y) / 2 + 28 * out.y};
  const Point begin = rim(from, bend), end = rim(to, bend);
  const Point middle{(begin.x + 2 * bend.x + end.x) / 4, (begin.y + 2 * bend.y + end.y) / 4};
  const double beside = 5 + std::abs(out.y) * 6 +  // to the label's nearest corner, to its middle
                        std::abs(out.x) * detail::columns(label) * detail::character_width / 2;
  return {fmt::format("M{:.1f} {:.1f}Q{:.1f} {:.1f} {:.1f} {:.1f}", begin.x, begin.y, bend.x,
                      bend.y, end.x, end.y),
          {middle.x + beside * out.x, middle.y + beside * out.y}};
}

void draw_node(detail::Drawing& out, const Node& node, const std::string& name) {
  const auto& [at, half] = node;
  out.add(
      R"svg(<rect class="node" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="26" rx="13"/><text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)svg",
      at.x - half, at.y - half_height, 2 * half, at.x, at.y + 4, detail::escape(name));
}

/// Each node one layer below the lowest of those that lead to it: layers by longest paths, the first
/// step of Sugiyama's method.
std::vector<std::vector<std::string>> layers_of(const std::vector<Edge>& edges) {
  std::map<std::string, std::size_t> depth;
  std::vector<std::string> names;  // in the order in which the edges name them
  for (const Edge& edge : edges) {
    for (const std::string& name : {edge.from, edge.to}) {
      if (depth.emplace(name, 0).second) names.push_back(name);
    }
  }
  bool sinks = true;
  for (std::size_t round = 0; sinks && round < names.size(); ++round) {  // longest paths
    sinks = false;
    for (const Edge& edge : edges) {
      if (depth[edge.to] > depth[edge.from]) continue;
      depth[edge.to] = depth[edge.from] + 1;
      sinks = true;
    }
  }
  std::vector<std::vector<std::string>> layers;
  for (const std::string& name : names) {
    if (layers.size() <= depth[name]) layers.resize(depth[name] + 1);
    layers[depth[name]].push_back(name);
  }
  return layers;
}

/// Each node below the middle of those that lead to it (their barycentre, as in Sugiyama's method), as
/// far as it has room there.
std::map<std::string, Node> place_layers(const std::vector<std::vector<std::string>>& layers,
                                         const std::vector<Edge>& edges) {
  std::map<std::string, Node> nodes;
  double y = layer_height / 2;
  for (const std::vector<std::string>& layer : layers) {
    std::vector<std::pair<double, std::string>> wanted;
    for (const std::string& name : layer) {
      double sum = 0, count = 0;
      for (const Edge& edge : edges) {
        if (edge.to != name) continue;
        sum += nodes.at(edge.from).at.x;
        ++count;
      }
      wanted.emplace_back(count > 0 ? sum / count : detail::picture_width / 2, name);
    }
    std::ranges::stable_sort(wanted, {}, &std::pair<double, std::string>::first);
    double right = -detail::picture_width, shift = 0;  // where the layer's last node ends
    for (const auto& [x, name] : wanted) {
      const double half_width = std::max(36.0, 12 + detail::columns(name) * 3.6);
      const double at = std::max(x, right + 16 + half_width);
      right = at + half_width;
      shift += (x - at) / static_cast<double>(wanted.size());
      nodes[name] = {{at, y}, half_width};
    }
    for (const auto& [x, name] : wanted) nodes[name].at.x += shift;
    y += layer_height;
  }
  return nodes;
}

}  // namespace

void WaitForGraph::add(std::string who, std::string what, std::string whom) {
  waits_.push_back({std::move(who), std::move(what), std::move(whom)});
}

std::vector<std::string> WaitForGraph::cycle() const {
  std::vector<std::string> path;
  std::vector<std::string> done;
  const auto search = [&](const auto& self, const std::string& who) -> bool {
    if (const std::size_t at = place(path, who); at < path.size()) {  // a back edge
      path.erase(path.begin(), path.begin() + static_cast<std::ptrdiff_t>(at));
      return true;
    }
    if (place(done, who) < done.size()) return false;
    path.push_back(who);
    for (const Wait& wait : waits_) {
      if (wait.who == who && self(self, wait.whom)) return true;
    }
    path.pop_back();
    done.push_back(who);
    return false;
  };
  for (const Wait& wait : waits_) {
    if (!search(search, wait.who)) continue;
    std::rotate(path.begin(), std::min_element(path.begin(), path.end()), path.end());
    return path;
  }
  return {};
}

void WaitForGraph::draw(std::string_view title) const {
  const std::vector<std::string> circle = cycle();
  std::vector<Wait> waits = waits_;  // in the order of the circle, then the others
  std::stable_sort(waits.begin(), waits.end(), [&](const Wait& a, const Wait& b) {
    return place(circle, a.who) < place(circle, b.who);
  });
  say("\n{}", title);
  for (const Wait& wait : waits) {
    const bool closes = !circle.empty() && wait.who == circle.back() && wait.whom == circle.front();
    say("  {} waits for {}, which {} has{}", wait.who, wait.what, wait.whom,
        closes ? ": the circle is closed" : "");
  }
  if (!detail::is_narrator()) return;

  std::vector<std::string> names;
  for (const Wait& wait : waits) {
    for (const std::string& name : {wait.who, wait.whom}) {
      if (place(names, name) == names.size()) names.push_back(name);
    }
  }
  const std::vector<Node> nodes = place_nodes(names);
  const auto node = [&](const std::string& name) { return nodes[place(names, name)]; };
  detail::Drawing out;
  double highest = std::numeric_limits<double>::max(), lowest = -highest;
  const auto reach = [&](double y, double half) {
    highest = std::min(highest, y - half);
    lowest = std::max(lowest, y + half);
  };
  for (const Wait& wait : waits) {
    const Line line = draw_line(node(wait.who), node(wait.whom), wait.what);
    const bool red = is_on(circle, wait.who, wait.whom);
    out.add(
        R"svg(<path class="{}" d="{}" marker-end="url(#{})"><title>{} waits for {}, which {} has</title></path>)svg",
        red ? "cycle" : "arrow", line.path, red ? "red-tip" : "tip", detail::escape(wait.who),
        detail::escape(wait.what), detail::escape(wait.whom));
    out.add(R"svg(<text class="on-line" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)svg",
            line.label.x, line.label.y + 4, detail::escape(wait.what));
    reach(line.label.y, 10);
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    draw_node(out, nodes[i], names[i]);
    reach(nodes[i].at.y, half_height + 2);
  }
  detail::add_drawing(
      title, fmt::format("<g transform=\"translate(0 {:.1f})\">\n{}</g>\n", -highest, out.text()),
      lowest - highest);
}

void draw_graph(std::string_view title, const std::vector<Edge>& edges) {
  const std::vector<std::vector<std::string>> layers = layers_of(edges);
  say("\n{}", title);
  for (const std::vector<std::string>& layer : layers) say("  {}", join(layer, "  "));
  if (!detail::is_narrator()) return;

  const std::map<std::string, Node> nodes = place_layers(layers, edges);
  detail::Drawing out;
  for (const Edge& edge : edges) {
    const Node &from = nodes.at(edge.from), &to = nodes.at(edge.to);
    const Point begin = rim(from, to.at), end = rim(to, from.at);
    out.add(
        R"svg(<path class="arrow" d="M{:.1f} {:.1f}L{:.1f} {:.1f}" marker-end="url(#tip)"><title>{} before {}</title></path>)svg",
        begin.x, begin.y, end.x, end.y, detail::escape(edge.from), detail::escape(edge.to));
  }
  double left = detail::picture_width, right = 0;
  for (const auto& [name, node] : nodes) {
    draw_node(out, node, name);
    left = std::min(left, node.at.x - node.half_width - 2);
    right = std::max(right, node.at.x + node.half_width + 2);
  }
  const double scale = std::min(1.0, detail::picture_width / (right - left));
  const double shift = detail::picture_width / 2 - scale * (left + right) / 2;
  detail::add_drawing(title,
                      fmt::format("<g transform=\"translate({:.1f} 0) scale({:.3f})\">\n{}</g>\n",
                                  shift, scale, out.text()),
                      scale * layer_height * static_cast<double>(layers.size()));
}

}  // namespace pdc
