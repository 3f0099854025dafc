// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "picture/svg.hpp"
#include "run/run.hpp"
#include "xml.hpp"

namespace {

using Names = std::vector<std::string>;

TEST(WaitForGraph, NothingHasNoCycle) {
  EXPECT_TRUE(pdc::WaitForGraph().cycle().empty());
}

TEST(WaitForGraph, AChainHasNoCycle) {
  pdc::WaitForGraph graph;
  graph.add("a", "1", "b");
  graph.add("b", "2", "c");
  graph.add("a", "3", "c");  // two ways to c are no circle
  EXPECT_TRUE(graph.cycle().empty());
}

TEST(WaitForGraph, FindsTheCycleInItsOrderWhateverTheOrderOfAdding) {
  pdc::WaitForGraph graph;
  graph.add("c", "3", "a");
  graph.add("a", "1", "b");
  graph.add("b", "2", "c");
  EXPECT_EQ(graph.cycle(), (Names{"a", "b", "c"}));
}

TEST(WaitForGraph, WhoWaitsForACycleIsNotOnIt) {
  pdc::WaitForGraph graph;
  graph.add("outside", "1", "b");
  graph.add("b", "2", "x");  // a dead end that is searched first
  graph.add("b", "3", "c");
  graph.add("c", "4", "b");
  EXPECT_EQ(graph.cycle(), (Names{"b", "c"}));
}

TEST(WaitForGraph, WhoWaitsForItselfIsACycle) {
  pdc::WaitForGraph graph;
  graph.add("a", "its own lock", "a");
  EXPECT_EQ(graph.cycle(), Names{"a"});
}

TEST(WaitForGraph, DrawsEveryNodeAndEveryWaitWithTheCycleInRed) {
  pdc::detail::Run& run = pdc::detail::run();
  run.output = pdc::detail::Output::claims_only;
  pdc::WaitForGraph graph;
  graph.add("a <1>", "x", "b");
  graph.add("b", "y", "a <1>");
  graph.add("c", "z", "a <1>");
  graph.draw("waiting");
  ASSERT_EQ(run.pictures.size(), 1U);
  const auto elements = xml::read(pdc::detail::svg("name", "summary", run.pictures).at(0));
  EXPECT_EQ(xml::select(elements, "rect", "node").size(), 3U);
  EXPECT_EQ(xml::select(elements, "path", "cycle").size(), 2U);
  EXPECT_EQ(xml::select(elements, "path", "arrow").size(), 1U);
  run.pictures.clear();
}

TEST(DrawGraph, PutsEachNodeBelowAllThatLeadToIt) {
  pdc::detail::Run& run = pdc::detail::run();
  run.output = pdc::detail::Output::claims_only;
  pdc::draw_graph("tasks", {{"c", "d"}, {"a <1>", "b"}, {"b", "c"}, {"a <1>", "d"}});
  const auto elements = xml::read(pdc::detail::svg("name", "summary", run.pictures).at(0));
  EXPECT_EQ(xml::select(elements, "path", "arrow").size(), 4U);
  std::vector<double> heights;  // in the order of the names
  for (const xml::Element& node : xml::select(elements, "rect", "node"))
    heights.push_back(std::stod(node.attributes.at("y")));
  ASSERT_EQ(heights.size(), 4U);
  EXPECT_LT(heights[0], heights[1]);
  EXPECT_LT(heights[1], heights[2]);
  EXPECT_LT(heights[2], heights[3]);
  run.pictures.clear();
}

TEST(DrawGraph, MakesAWideLayerSmallEnough) {
  pdc::detail::Run& run = pdc::detail::run();
  run.output = pdc::detail::Output::claims_only;
  std::vector<pdc::Edge> edges;
  for (int i = 0; i < 30; ++i) edges.push_back({"all", "task number " + std::to_string(i)});
  pdc::draw_graph("tasks", edges);
  const auto elements = xml::read(pdc::detail::svg("name", "summary", run.pictures).at(0));
  double left = 860, right = 0;
  for (const xml::Element& node : xml::select(elements, "rect", "node")) {
    const double x = std::stod(node.attributes.at("x"));
    left = std::min(left, x);
    right = std::max(right, x + std::stod(node.attributes.at("width")));
  }
  EXPECT_LT(run.pictures.at(0).drawing_height, 120 * 860 / (right - left) + 1);
  run.pictures.clear();
}

/// The graph of so many who wait for each other in a circle.
std::vector<xml::Element> circle_of(int size, double& height) {
  pdc::detail::Run& run = pdc::detail::run();
  run.output = pdc::detail::Output::claims_only;
  pdc::WaitForGraph graph;
  for (int i = 0; i < size; ++i)
    graph.add("philosopher " + std::to_string(i), "fork-" + std::to_string(i),
              "philosopher " + std::to_string((i + 1) % size));
  graph.draw("waiting");
  const auto elements = xml::read(pdc::detail::svg("name", "summary", run.pictures).at(0));
  height = run.pictures.at(0).drawing_height;
  run.pictures.clear();
  return elements;
}

double number(const xml::Element& element, const std::string& attribute) {
  return std::stod(element.attributes.at(attribute));
}

TEST(WaitForGraph, TakesTheHeightThatItNeeds) {
  for (const int size : {1, 2, 3, 5, 9}) {
    double height = 0;
    const auto elements = circle_of(size, height);
    double highest = 1000, lowest = -1000;
    for (const auto& node : xml::select(elements, "rect", "node")) {
      highest = std::min(highest, number(node, "y"));
      lowest = std::max(lowest, number(node, "y") + number(node, "height"));
    }
    for (const auto& label : xml::select(elements, "text", "on-line")) {
      highest = std::min(highest, number(label, "y") - 14);
      lowest = std::max(lowest, number(label, "y") + 6);
    }
    EXPECT_NEAR(height, lowest - highest, 3) << size;
    EXPECT_LT(height, size == 2 ? 90 : 90 + 30 * size);
  }
}

TEST(WaitForGraph, NoLabelStandsOnALine) {
  for (const int size : {2, 3, 5, 9}) {
    double height = 0;
    const auto elements = circle_of(size, height);
    const auto lines = xml::select(elements, "path", "cycle");
    const auto labels = xml::select(elements, "text", "on-line");
    ASSERT_EQ(lines.size(), labels.size());
    for (std::size_t i = 0; i < lines.size(); ++i) {
      double ax, ay, bx, by, cx, cy;
      ASSERT_EQ(std::sscanf(lines[i].attributes.at("d").c_str(), "M%lf %lfQ%lf %lf %lf %lf", &ax,
                            &ay, &bx, &by, &cx, &cy),
                6);
      const double width = 6.2 * static_cast<double>(labels[i].text.size());
      const double left = number(labels[i], "x") - width / 2;
      for (double t = 0; t <= 1; t += 0.01) {
        const double x = (1 - t) * (1 - t) * ax + 2 * t * (1 - t) * bx + t * t * cx;
        const double y = (1 - t) * (1 - t) * ay + 2 * t * (1 - t) * by + t * t * cy;
        const bool on_it = x > left && x < left + width && y > number(labels[i], "y") - 9 &&
                           y < number(labels[i], "y") + 1;
        EXPECT_FALSE(on_it) << size << ": " << labels[i].text;
      }
    }
  }
}

}  // namespace
