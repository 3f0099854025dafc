// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <utility>

#include "pdc/print.hpp"
#include "runtime.hpp"

namespace pdc {
namespace {

struct Point {
  double x, y;
};

std::size_t place(const std::vector<std::string>& names, const std::string& name) {
  return static_cast<std::size_t>(std::find(names.begin(), names.end(), name) - names.begin());
}

/// Whether `to` comes right after `from` on the circle.
bool is_on(const std::vector<std::string>& cycle, const std::string& from, const std::string& to) {
  const std::size_t at = place(cycle, from);
  return at < cycle.size() && cycle[(at + 1) % cycle.size()] == to;
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
  const double radius = std::max(80.0, 22.0 * static_cast<double>(names.size()));
  const Point centre{430, radius + 18};
  const double wide = std::min(2.0, 360 / radius);  // an ellipse, since names are wide
  const auto at = [&](std::size_t i) {
    const auto part = static_cast<double>(i) / static_cast<double>(names.size());
    const double turn = 2 * std::numbers::pi * (names.size() == 2 ? part - 0.25 : part);
    return Point{centre.x + wide * radius * std::sin(turn), centre.y - radius * std::cos(turn)};
  };
  std::string drawing;
  const auto add = [&]<class... Args>(fmt::format_string<Args...> text, Args&&... args) {
    fmt::format_to(std::back_inserter(drawing), text, std::forward<Args>(args)...);
    drawing += '\n';
  };
  for (const Wait& wait : waits) {
    const Point a = at(place(names, wait.who)), b = at(place(names, wait.whom));
    const double dx = b.x - a.x, dy = b.y - a.y, length = std::max(std::hypot(dx, dy), 1.0);
    // Beside the straight line, so that two who wait for each other have two lines; it ends at the rim.
    const Point bend{(a.x + b.x) / 2 + dy / length * 26, (a.y + b.y) / 2 - dx / length * 26};
    const double ex = bend.x - b.x, ey = bend.y - b.y;
    const double rim = std::min(58 / std::max(std::abs(ex), 0.1), 16 / std::max(std::abs(ey), 0.1));
    const Point tip{b.x + ex * std::min(rim, 1.0), b.y + ey * std::min(rim, 1.0)};
    const bool red = is_on(circle, wait.who, wait.whom);
    add(R"svg(<path class="{}" d="M{:.1f} {:.1f} Q{:.1f} {:.1f} {:.1f} {:.1f}" marker-end="url(#{})"><title>{} waits for {}, which {} has</title></path>)svg",
        red ? "cycle" : "arrow", a.x, a.y, bend.x, bend.y, tip.x, tip.y, red ? "red-tip" : "tip",
        detail::escape(wait.who), detail::escape(wait.what), detail::escape(wait.whom));
    add(R"svg(<text class="on-line" x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)svg",
        (a.x + 2 * bend.x + b.x) / 4, (a.y + 2 * bend.y + b.y) / 4 + 4, detail::escape(wait.what));
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Point p = at(i);
    add(R"svg(<rect class="node" x="{:.1f}" y="{:.1f}" width="112" height="26" rx="13"/><text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>)svg",
        p.x - 56, p.y - 13, p.x, p.y + 4, detail::escape(names[i]));
  }
  detail::add_drawing(title, std::move(drawing), 2 * radius + 44);
}

}  // namespace pdc
