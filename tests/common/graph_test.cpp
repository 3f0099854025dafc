// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "runtime.hpp"
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
  const auto elements = xml::read(pdc::detail::svg("name", "summary", run.pictures));
  EXPECT_EQ(xml::select(elements, "rect", "node").size(), 3U);
  EXPECT_EQ(xml::select(elements, "path", "cycle").size(), 2U);
  EXPECT_EQ(xml::select(elements, "path", "arrow").size(), 1U);
  run.pictures.clear();
}

}  // namespace
