// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "draft.hpp"
#include "picture/svg.hpp"
#include "xml.hpp"

namespace {

using draft::Recording;
using pdc::Kind;
using pdc::detail::Picture;
using xml::Element;

/// Each file.
std::vector<std::vector<Element>> sheets(const std::vector<Picture>& pictures) {
  std::vector<std::vector<Element>> result;
  for (const std::string& text : pdc::detail::svg("name", "summary", pictures))
    result.push_back(xml::read(text));
  return result;
}

/// The only one.
std::vector<Element> svg(const std::vector<Picture>& pictures) {
  const auto all = sheets(pictures);
  EXPECT_EQ(all.size(), 1U);
  return all[0];
}

std::multiset<std::string> texts(const std::vector<Element>& elements) {
  std::multiset<std::string> result;
  for (const Element& element : elements) result.insert(element.text);
  return result;
}

double number(const Element& element, const std::string& attribute) {
  return std::stod(element.attributes.at(attribute));
}

double height_of(const std::vector<Element>& elements) {
  const std::string& box = elements[0].attributes.at("viewBox");
  return std::stod(box.substr(box.rfind(' ')));
}

double right_of(const Element& rect) {
  return number(rect, "x") + number(rect, "width");
}
double bottom_of(const Element& rect) {
  return number(rect, "y") + number(rect, "height");
}

/// What lanes, bars and legend show: rectangles that have a title, or have none.
std::vector<Element> bars(const std::vector<Element>& elements, const std::string& kind) {
  std::vector<Element> result;
  for (std::size_t i = 0; i + 1 < elements.size(); ++i) {
    if (elements[i].name == "rect" && elements[i].attributes.contains("class") &&
        elements[i].attributes.at("class") == kind && elements[i + 1].name == "title")
      result.push_back(elements[i]);
  }
  return result;
}

std::multiset<std::string> legend(const std::vector<Picture>& pictures) {
  std::multiset<std::string> all = texts(xml::select(svg(pictures), "text", "soft"));
  all.erase("summary");
  return all;
}

/// A conversation of so many messages in two rows, the n-th awaited for n ns.
Recording conversation(int messages) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  for (int n = 0; n < messages; ++n) {
    const std::int64_t time = 10'000 * n;
    recording.bar(to, Kind::receive, "job", time, time + n + 10);
    recording.bar(from, Kind::send, "job", time + n, time + n + 5);
  }
  return recording;
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
    const auto elements = svg({draft::rows(lanes)});
    const double width = 860;
    const double height = height_of(elements);
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
  const auto elements = xml::read(pdc::detail::svg(odd, odd, {picture}).at(0));
  EXPECT_EQ(elements[0].attributes.at("aria-label"), shown + ": " + shown);
  EXPECT_EQ(texts(xml::select(elements, "text")).count(shown), 7U);  // with two bars
  EXPECT_EQ(texts(xml::select(elements, "text", "scene")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "text", "title")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "text", "soft")).count(shown), 1U);
  EXPECT_EQ(texts(xml::select(elements, "title")).count(shown), 2U);  // the arrow and the moment
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
  EXPECT_EQ(xml::select(elements, "path", "arrow").size(), 4U);  // and the legend
  EXPECT_EQ(xml::select(elements, "line", "mark").size(), 2U);
  EXPECT_EQ(texts(xml::select(elements, "text", "mark-text")),
            (std::multiset<std::string>{"here", "there"}));
}

TEST(Svg, AFaultIsMarkedWithItsName) {
  Recording recording;
  recording.bar(recording.lane("row"), Kind::work, "", 0, 1000);
  recording.mark("here", 100);
  recording.fault("too early", 600);
  const auto elements = svg({draft::picture(recording)});
  EXPECT_EQ(xml::select(elements, "line", "mark").size(), 1U);
  ASSERT_EQ(xml::select(elements, "line", "fault").size(), 1U);
  ASSERT_EQ(xml::select(elements, "text", "fault-text").size(), 1U);
  const Element line = xml::select(elements, "line", "fault")[0];
  const Element name = xml::select(elements, "text", "fault-text")[0];
  EXPECT_EQ(name.text, "too early");
  EXPECT_EQ(number(name, "x"), number(line, "x1"));
  EXPECT_LT(number(name, "y"), number(line, "y1") + 1);  // above it
}

TEST(Svg, MomentsOfDifferentNamesAtOnePlaceAreAllNamed) {
  Recording recording;
  recording.bar(recording.lane("row"), Kind::work, "", 0, 1000);
  recording.mark("worker 0 is killed", 500);
  recording.fault("worker 1 is stopped", 501);
  recording.mark("worker 2 goes on", 502);
  recording.mark("worker 2 goes on", 503);  // the same once more: the line says it
  const auto elements = svg({draft::picture(recording)});
  auto names = xml::select(elements, "text", "mark-text");
  EXPECT_EQ(names.size(), 2U);
  names.push_back(xml::select(elements, "text", "fault-text").at(0));
  std::set<double> lines;
  for (const Element& name : names) EXPECT_TRUE(lines.insert(number(name, "y")).second);
  EXPECT_LT(number(xml::select(elements, "text", "scene").at(0), "y"), *lines.begin());
  EXPECT_EQ(xml::select(elements, "line", "mark").size(), 3U);
}

TEST(Svg, ABarAroundAnotherOneIsAFrameAndBothHaveTheirLabels) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::hold, "lock 0", 0, 1000);
  recording.bar(lane, Kind::wait, "lock 1", 1, 999);
  const auto elements = svg({draft::picture(recording)});
  const Element outer = bars(elements, "hold").at(0);
  const Element inner = bars(elements, "wait").at(0);
  EXPECT_GT(number(inner, "x"), number(outer, "x") + 1);
  EXPECT_GT(number(inner, "y"), number(outer, "y") + 10);  // the label stands between
  EXPECT_LT(right_of(inner), right_of(outer) - 1);
  EXPECT_LT(bottom_of(inner), bottom_of(outer) - 1);
  const Element above = xml::select(elements, "text", "in").at(0);
  const Element below = xml::select(elements, "text", "in-wait").at(0);
  EXPECT_EQ(above.text, "lock 0");
  EXPECT_EQ(below.text, "lock 1");
  EXPECT_LE(number(above, "y"), number(inner, "y"));
  EXPECT_GT(number(below, "y"), number(inner, "y"));
}

TEST(Svg, ALabelThatHasRoomBesideTheInnerBarsNeedsNoHigherLane) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::hold, "lock 0", 0, 1000);
  recording.bar(lane, Kind::wait, "lock 1", 0, 400);
  const auto elements = svg({draft::picture(recording)});
  EXPECT_EQ(number(xml::select(elements, "rect", "lane").at(0), "height"),
            number(xml::select(svg({draft::plain("row", 10)}), "rect", "lane").at(0), "height"));
  EXPECT_GT(number(xml::select(elements, "text", "in").at(0), "x"),
            right_of(bars(elements, "wait")[0]));
}

TEST(Svg, PanelsHaveOneScaleButForWhatIsFarTooShort) {
  const auto elements =
      svg({draft::plain("a", 50'000), draft::plain("b", 100'000), draft::plain("c", 1'000)});
  const auto work = bars(elements, "work");
  ASSERT_EQ(work.size(), 3U);
  EXPECT_NEAR(number(work[1], "width"), 2 * number(work[0], "width"), 0.2);
  EXPECT_NEAR(number(work[2], "width"), number(work[1], "width"), 0.2);
  const auto own = xml::select(elements, "text", "own");
  ASSERT_EQ(own.size(), 1U);
  EXPECT_EQ(own[0].text, "own scale");
  EXPECT_GT(number(own[0], "y"), number(work[2], "y"));
}

TEST(Svg, DrawsSomeThirtyArrowsAndSaysHowManyThereAre) {
  const auto all = svg({draft::picture(conversation(32))});
  EXPECT_EQ(xml::select(all, "path", "arrow").size(), 33U);  // with the legend
  const auto some = svg({draft::picture(conversation(100))});
  EXPECT_EQ(xml::select(some, "path", "arrow").size(), 33U);
  const auto says = [](const std::vector<Element>& elements) {
    return texts(xml::select(elements, "text", "tick"))
        .count("32 of 100 messages are drawn: first, last, lost, sent again, awaited longest");
  };
  EXPECT_EQ(says(some), 1U);
  EXPECT_EQ(says(all), 0U);
}

TEST(Svg, HasNoSizeButThatOfItsBox) {
  const Element root = svg({draft::rows(2)})[0];
  EXPECT_TRUE(root.attributes.contains("viewBox"));
  EXPECT_FALSE(root.attributes.contains("width"));
  EXPECT_FALSE(root.attributes.contains("height"));
}

TEST(Svg, LanesStandCloserBeforeItIsPartedAndNoPartIsHigherThanAProjector) {
  const auto pitch = [](const std::vector<Element>& elements) {
    const auto lanes = xml::select(elements, "rect", "lane");
    return number(lanes.at(1), "y") - number(lanes.at(0), "y");
  };
  const double wide = pitch(svg({draft::rows(4)}));
  const auto close = svg(std::vector(4, draft::rows(5)));
  EXPECT_LT(pitch(close), wide);
  EXPECT_LE(height_of(close), 800);
  for (const int panels : {5, 8, 21}) {
    const auto parts = sheets(std::vector(static_cast<std::size_t>(panels), draft::rows(5)));
    EXPECT_GT(parts.size(), 1U);
    std::size_t lanes = 0;
    for (const auto& part : parts) {
      EXPECT_LE(height_of(part), 800);
      lanes += xml::select(part, "rect", "lane").size();
      const auto which = "part " + std::to_string(&part - parts.data() + 1) + " of " +
                         std::to_string(parts.size());
      EXPECT_EQ(texts(xml::select(part, "text", "tick")).count(which), 1U);
      EXPECT_EQ(xml::select(part, "text", "title").at(0).text, "name");
    }
    EXPECT_EQ(lanes, static_cast<std::size_t>(5 * panels));
  }
  EXPECT_LE(height_of(svg({draft::rows(200)})), 800);  // one scene stays one
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

TEST(Svg, TheLegendShowsWhateverIsDrawn) {
  EXPECT_EQ(legend({draft::rows(1)}),
            (std::multiset<std::string>{"hold", "message", "receive", "send", "wait", "work"}));
  EXPECT_EQ(legend({draft::plain("row", 10)}), std::multiset<std::string>{"work"});
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::hold, "lock", 0, 100);
  recording.bar(lane, Kind::wait, "other lock", 10, 90);
  EXPECT_EQ(legend({draft::picture(recording)}),
            (std::multiset<std::string>{"hold", "hold and wait", "wait"}));
  recording.mark("here", 20);
  recording.fault("wrong", 30);
  EXPECT_EQ(legend({draft::picture(recording)}),
            (std::multiset<std::string>{"fault", "hold", "hold and wait", "moment", "wait"}));
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
  const auto work = bars(svg({draft::plain("row", 0)}), "work");
  ASSERT_EQ(work.size(), 1U);
  EXPECT_GT(number(work[0], "width"), 0);
}

}  // namespace
