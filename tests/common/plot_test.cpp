// SPDX-License-Identifier: MIT
#include "pdc/plot.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "picture/svg.hpp"
#include "run/run.hpp"
#include "xml.hpp"

namespace {

std::vector<xml::Element> drawn(const pdc::Axis& x, const pdc::Axis& y,
                                const std::vector<pdc::Curve>& curves) {
  pdc::plot("title", x, y, curves);
  auto elements = xml::read(pdc::detail::svg("name", "summary", pdc::detail::run().pictures).at(0));
  pdc::detail::run().pictures.clear();
  return elements;
}

std::set<std::string> ticks(const std::vector<xml::Element>& elements) {
  std::set<std::string> result;
  for (const auto& tick : xml::select(elements, "text", "tick")) result.insert(tick.text);
  return result;
}

double number(const xml::Element& element, const std::string& attribute) {
  return std::stod(element.attributes.at(attribute));
}

TEST(Plot, MeasuredPointsHaveDotsAndPredictedOnesNone) {
  const auto elements = drawn(
      {"threads"}, {"speed-up"},
      {{"measured", {{1, 1}, {2, 1.9}, {4, 3.1}}}, {"predicted", {{1, 1}, {2, 2}, {4, 4}}, true}});
  EXPECT_EQ(xml::select(elements, "circle", "dot c0").size(), 3U);
  EXPECT_TRUE(xml::select(elements, "circle", "dot c1").empty());
  EXPECT_EQ(xml::select(elements, "path", "curve c1").size(), 2U);  // the curve and its legend
}

TEST(Plot, ALargerNumberStandsFartherRightAndHigher) {
  for (const bool logarithmic : {false, true}) {
    const auto dots = xml::select(drawn({"x", logarithmic}, {"y", logarithmic},
                                        {{"curve", {{1, 10}, {10, 100}, {100, 1000}}}}),
                                  "circle", "dot c0");
    ASSERT_EQ(dots.size(), 3U);
    EXPECT_LT(number(dots[0], "cx"), number(dots[1], "cx"));
    EXPECT_LT(number(dots[1], "cx"), number(dots[2], "cx"));
    EXPECT_GT(number(dots[0], "cy"), number(dots[1], "cy"));
    const double first = number(dots[1], "cx") - number(dots[0], "cx");
    const double second = number(dots[2], "cx") - number(dots[1], "cx");
    EXPECT_NEAR(first * (logarithmic ? 1 : 10), second, 2);
  }
}

TEST(Plot, TicksAreRound) {
  EXPECT_EQ(ticks(drawn({"x"}, {"y"}, {{"c", {{0, 0}, {4, 40}}}})),
            (std::set<std::string>{"0", "1", "2", "3", "4", "10", "20", "30", "40"}));
  EXPECT_EQ(ticks(drawn({"x", true}, {"y", true}, {{"c", {{1, 1}, {8, 1000}}}})),
            (std::set<std::string>{"1", "2", "4", "8", "10", "100", "1,000"}));
}

TEST(Plot, CountsHaveATickEachAndNoneBetween) {
  EXPECT_EQ(ticks(drawn({"threads"}, {"speed-up"}, {{"c", {{1, 1}, {2, 1.5}, {4, 2}}}})),
            (std::set<std::string>{"0", "0.5", "1", "1.5", "2", "4"}));
  EXPECT_EQ(ticks(drawn({"threads"}, {"jobs"}, {{"c", {{1, 1}, {2, 2}}}})),
            (std::set<std::string>{"0", "1", "2"}));
}

TEST(Plot, WhatIsCountedBeginsWhereItsFirstPointIs) {
  const auto elements = drawn({"threads"}, {"y"}, {{"c", {{2, 1}, {4, 2}, {8, 3}}}});
  const auto dots = xml::select(elements, "circle", "dot c0");
  EXPECT_EQ(number(dots.at(0), "cx"), 118);
  EXPECT_EQ(number(dots.at(2), "cx"), 660);
}

TEST(Plot, TicksHaveNoExponents) {
  EXPECT_EQ(ticks(drawn({"x", true}, {"y", true}, {{"c", {{1, 1e-5}, {1e6, 1e-2}}}})),
            (std::set<std::string>{"1", "10", "100", "1,000", "10,000", "100,000", "1,000,000",
                                   "0.00001", "0.0001", "0.001", "0.01"}));
}

TEST(Plot, OnePointIsDrawnToo) {
  EXPECT_EQ(xml::select(drawn({"x"}, {"y"}, {{"c", {{3, 3}}}}), "circle", "dot c0").size(), 1U);
  EXPECT_EQ(xml::select(drawn({"x", true}, {"y"}, {{"c", {{3, 3}}}}), "circle", "dot c0").size(),
            1U);
}

}  // namespace
