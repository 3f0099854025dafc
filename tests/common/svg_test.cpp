// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "draft.hpp"
#include "xml.hpp"

namespace {

using draft::Recording;
using pdc::Kind;
using pdc::detail::Picture;
using xml::Element;

std::vector<Element> svg(const std::vector<Picture>& pictures) {
  return xml::read(pdc::detail::svg("name", "summary", pictures));
}

std::multiset<std::string> texts(const std::vector<Element>& elements) {
  std::multiset<std::string> result;
  for (const Element& element : elements) result.insert(element.text);
  return result;
}

double number(const Element& element, const std::string& attribute) {
  return std::stod(element.attributes.at(attribute));
}

TEST(Xml, WhatIsNotWellFormedIsRefused) {  // or the tests below would say nothing
  for (const char* bad : {"<a>", "<a></b>", "<a b=c/>", "<a b=\"<\"/>", "<a>&</a>", "<a>&x;</a>",
                          "<a>\xc3</a>", "<a>\x01</a>", "<a/><b/>", "<a b=\"1\" b=\"2\"/>", "", "a",
                          "<a>\x80</a>", "<a><b></a></b>"})
    EXPECT_THROW(xml::read(bad), std::runtime_error) << bad;
  const auto good = xml::read("<a b=\"1 &amp; 2\">x&lt;y<c/>é</a>\n");
  ASSERT_EQ(good.size(), 2U);
  EXPECT_EQ(good[0].attributes.at("b"), "1 & 2");
  EXPECT_EQ(good[0].text, "x<yé");
}

TEST(Svg, IsWellFormedWithOneLaneAndWithTwoHundred) {
  for (const int lanes : {1, 2, 16, 17, 64, 65, 200}) {
    const auto elements = svg({draft::rows(lanes)});
    EXPECT_EQ(elements[0].name, "svg");
    EXPECT_EQ(elements[0].attributes.at("xmlns"), "http://www.w3.org/2000/svg");
    EXPECT_EQ(xml::select(elements, "rect", "lane").size(), static_cast<std::size_t>(lanes));
  }
}

TEST(Svg, OfNothingIsWellFormed) {
  EXPECT_TRUE(xml::select(svg({}), "rect", "lane").empty());
  EXPECT_TRUE(xml::select(svg({Picture{}}), "rect", "lane").empty());
}

TEST(Svg, ShowsEveryBarOnce) {
  for (const int lanes : {1, 20, 200}) {
    std::map<std::string, int> bars;
    for (const Element& title : xml::select(svg({draft::rows(lanes)}), "title")) {
      const std::string what = title.text.substr(0, title.text.find(" bar,"));
      if (what != "bar") ++bars[what];  // an arrow's title is its label alone
    }
    EXPECT_EQ(bars.size(), static_cast<std::size_t>(5 * lanes));
    for (const auto& [what, times] : bars) EXPECT_EQ(times, 1) << what;
    EXPECT_TRUE(bars.contains("row 1: work"));
    EXPECT_TRUE(bars.contains("row 1: receive"));
  }
}

TEST(Svg, BarsTellTheirTimes) {
  const auto titles = texts(xml::select(svg({draft::rows(1)}), "title"));
  EXPECT_TRUE(titles.contains("row 1: work bar, 0.0 to 1000.0 µs") ||
              titles.contains("row 1: work bar, 0.0 to 1.0 ms"));
  EXPECT_TRUE(titles.contains("row 1: receive bar, 4.0 to 5.0 ms"));
}

TEST(Svg, EverythingStandsInsideThePicture) {
  for (const int lanes : {1, 200}) {
    const auto elements = svg({draft::rows(lanes), draft::rows(lanes)});
    const double width = number(elements[0], "width");
    const double height = number(elements[0], "height");
    for (const Element& element : elements) {
      if (element.name != "rect" && element.name != "text") continue;
      if (!element.attributes.contains("x")) continue;  // the pattern of waiting
      EXPECT_GE(number(element, "x"), 0);
      EXPECT_GE(number(element, "y"), 0);
      const bool rect = element.name == "rect";
      EXPECT_LE(number(element, "x") + (rect ? number(element, "width") : 0), width + 0.1);
      EXPECT_LE(number(element, "y") + (rect ? number(element, "height") : 0), height + 0.1);
    }
  }
}

TEST(Svg, BarsAreAsWideAsTheyAreLong) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::work, "a", 0, 1000);
  recording.bar(lane, Kind::hold, "b", 1000, 4000);
  recording.bar(lane, Kind::send, "c", 4000, 4001);
  const auto elements = svg({draft::picture(recording)});
  const double work = number(xml::select(elements, "rect", "work").at(0), "width");
  const double hold = number(xml::select(elements, "rect", "hold").at(0), "width");
  const double send = number(xml::select(elements, "rect", "send").at(0), "width");
  EXPECT_NEAR(hold / work, 3, 0.01);
  EXPECT_GE(send, 1);  // seen, short as it is
}

TEST(Svg, EscapesEveryText) {
  const std::string odd = "<a href=\"x\">&'\t\x01";
  const std::string shown = "<a href=\"x\">&'  ";
  Recording recording;
  const auto lane = recording.lane(odd);
  const auto other = recording.lane("other");
  recording.bar(lane, Kind::send, odd, 0, 1000);
  recording.bar(other, Kind::receive, odd, 0, 1000);
  recording.mark(odd, 500);
  Picture picture = draft::picture(recording);
  picture.title = odd;
  const auto elements = xml::read(pdc::detail::svg(odd, odd, {picture}));
  EXPECT_EQ(elements[0].attributes.at("aria-label"), shown + ": " + shown);
  EXPECT_EQ(texts(xml::select(elements, "text")).count(shown), 7U);  // with two bars
  EXPECT_EQ(texts(xml::select(elements, "text", "scene")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "text", "title")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "text", "soft")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "title")).count(shown), 1U);  // the arrow
}

TEST(Svg, ALabelThatWasCutInACharacterIsStillWellFormed) {
  const std::string name = std::string(30, 'x') + "é";
  pdc::detail::make_arena(16);
  const pdc::Lane lane("{}", name);
  lane.work("{}", name).end();
  pdc::mark(name);
  const Picture picture = pdc::detail::assemble("", pdc::detail::read_arena(0));
  pdc::detail::drop_arena();
  EXPECT_NO_THROW(svg({picture}));
}

TEST(Svg, DrawsAnArrowForEachMessageAndALineForEachMark) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  for (int i = 0; i < 3; ++i) {
    recording.bar(from, Kind::send, "job", 100 * i, 100 * i + 10);
    recording.bar(to, Kind::receive, "job", 100 * i + 10, 100 * i + 50);
  }
  recording.mark("here", 120);
  recording.mark("there", 330);
  const auto elements = svg({draft::picture(recording)});
  EXPECT_EQ(xml::select(elements, "path", "arrow").size(), 3U);
  EXPECT_EQ(xml::select(elements, "line", "mark").size(), 2U);
  EXPECT_EQ(texts(xml::select(elements, "text", "mark-text")),
            (std::multiset<std::string>{"here", "there"}));
}

TEST(Svg, PanelsStandBelowEachOther) {
  Picture first = draft::rows(3);
  Picture second = draft::rows(2);
  first.title = "one";
  second.title = "two";
  const auto elements = svg({first, Picture{}, second});
  const auto lanes = xml::select(elements, "rect", "lane");
  ASSERT_EQ(lanes.size(), 5U);
  for (std::size_t i = 1; i < lanes.size(); ++i)
    EXPECT_GE(number(lanes[i], "y"), number(lanes[i - 1], "y") + number(lanes[i - 1], "height"));
  EXPECT_EQ(texts(xml::select(elements, "text", "scene")),
            (std::multiset<std::string>{"one", "two"}));
}

TEST(Svg, TheLegendShowsTheKindsThatThereAre) {
  const auto legend = [](const Picture& picture) {
    std::multiset<std::string> all = texts(xml::select(svg({picture}), "text", "soft"));
    all.erase("summary");
    return all;
  };
  EXPECT_EQ(legend(draft::rows(1)),
            (std::multiset<std::string>{"hold", "receive", "send", "wait", "work"}));
  EXPECT_EQ(legend(draft::plain("row", 10)), std::multiset<std::string>{"work"});
}

TEST(Svg, SaysWhatWasDropped) {
  const auto says = [](const Picture& picture) {
    return texts(xml::select(svg({picture}), "text"))
        .count("12 spans did not fit and are not shown");
  };
  Picture picture = draft::plain("row", 10);
  EXPECT_EQ(says(picture), 0U);
  picture.dropped = 12;
  EXPECT_EQ(says(picture), 1U);
  Picture nothing;
  nothing.dropped = 12;
  EXPECT_EQ(says(nothing), 1U);
}

TEST(Svg, NoDurationIsNoDivisionByZero) {
  const auto bars = xml::select(svg({draft::plain("row", 0)}), "rect", "work");
  ASSERT_EQ(bars.size(), 2U);  // the bar, and the legend
  EXPECT_GT(number(bars[0], "width"), 0);
}

}  // namespace
