// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "draft.hpp"
#include "picture/chart.hpp"
#include "run_scenario.hpp"

namespace {

using draft::Recording;
using pdc::Kind;
using pdc::detail::Picture;
using scenario::count;

constexpr std::int64_t ms = 1'000'000;

std::vector<std::string> drawn(const Picture& picture, int width, bool colour = false) {
  return scenario::lines(pdc::detail::chart(picture, width, colour));
}

/// How many columns of a terminal a line takes: characters, not bytes, and no escape sequences.
int columns(const std::string& line) {
  int result = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b')
      i = line.find('m', i);
    else if ((line[i] & 0xc0) != 0x80)
      ++result;
  }
  return result;
}

/// The part of a row behind its name, as single characters.
std::vector<std::string> cells(const std::string& line, std::size_t name_width) {
  std::vector<std::string> result;
  for (const char c : line.substr(name_width + 4)) {
    if ((c & 0xc0) != 0x80) result.emplace_back();
    result.back() += c;
  }
  return result;
}

long count(const std::vector<std::string>& all, const std::string& one) {
  return std::count(all.begin(), all.end(), one);
}

class Width : public testing::TestWithParam<int> {};

TEST_P(Width, IsRespectedByEveryLine) {
  for (const bool colour : {false, true}) {
    for (const std::string name :
         {"a", "runner 1", "a name of 18 byte", "a name that is far too long"}) {
      for (std::int64_t duration = 1; duration < 10'000'000'000'000; duration += 1 + duration / 9) {
        for (const std::string& line : drawn(draft::plain(name, duration), GetParam(), colour))
          ASSERT_LE(columns(line), GetParam()) << duration << " ns\n" << line;
      }
    }
  }
}

TEST_P(Width, IsRespectedByAnAxisThatEndsAtATick) {
  for (const std::int64_t unit : {1LL, 1'000LL, 1'000'000LL, 1'000'000'000LL}) {
    for (const std::int64_t number : {1, 2, 5, 10, 50, 100, 500, 1000, 1200, 1500, 1800}) {
      for (const std::string& line : drawn(draft::plain("runner 1", number * unit), GetParam()))
        ASSERT_LE(columns(line), GetParam()) << number * unit << " ns\n" << line;
    }
  }
}

TEST_P(Width, IsRespectedByALegendOfAllKinds) {
  for (const std::string& line : drawn(draft::rows(3), GetParam()))
    EXPECT_LE(columns(line), GetParam()) << line;
}

TEST_P(Width, IsRespectedByTheLegendBesideALongName) {
  Recording recording;
  const auto lane = recording.lane("a name that is too long");
  for (int kind = 0; kind < 5; ++kind)
    recording.bar(lane, static_cast<Kind>(kind), "", kind, kind + 1);
  recording.mark("something happens", 2);
  for (const std::string& line : drawn(draft::picture(recording), GetParam()))
    EXPECT_LE(columns(line), GetParam()) << line;
}

TEST_P(Width, IsUsed) {
  const auto lines = drawn(draft::plain("runner 1", 10 * ms), GetParam());
  EXPECT_EQ(columns(lines[0]), GetParam() - 2);
}

TEST_P(Width, CountsColumnsNotBytes) {
  for (const std::string name : {"Grüße", "ééééééééééééééééé", "éééééééééééééééééééééééé"}) {
    const auto lines = drawn(draft::plain(name, 10 * ms), GetParam());
    for (const std::string& line : lines) EXPECT_LE(columns(line), GetParam()) << line;
    EXPECT_GE(columns(lines[0]), GetParam() - 2) << lines[0];
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Width, testing::Values(50, 80, 160));

TEST(Chart, OfNothingIsNoText) {
  EXPECT_EQ(pdc::detail::chart({}, 80, false), "");
}

TEST(Chart, OfNothingButDroppedSpansSaysSo) {
  Recording recording;
  recording.dropped = 3;
  const std::string text = pdc::detail::chart(draft::picture(recording), 80, false);
  EXPECT_EQ(count(text, "3 spans did not fit"), 1) << text;
}

TEST(Chart, SaysWhatWasDropped) {
  Picture picture = draft::plain("runner", 10);
  EXPECT_EQ(count(pdc::detail::chart(picture, 80, false), "did not fit"), 0);
  picture.dropped = 12;
  EXPECT_EQ(
      count(pdc::detail::chart(picture, 80, false), "(12 spans did not fit and are not shown)"), 1);
}

TEST(Chart, ShowsARowForEachLaneInOrder) {
  Recording recording;
  recording.bar(recording.lane("first"), Kind::work, "", 0, 10 * ms);
  recording.bar(recording.lane("second"), Kind::wait, "", 0, 10 * ms);
  const auto lines = drawn(draft::picture(recording), 80);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_TRUE(lines[0].starts_with("  first   ██████")) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("  second  ░░░░░░")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("          0 ms")) << lines[2];
  EXPECT_EQ(lines[3], "          █ work  ░ wait");
}

TEST(Chart, BarsStandWhereTheyAre) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::work, "", 0, 25 * ms);
  recording.bar(lane, Kind::hold, "", 50 * ms, 75 * ms);
  recording.bar(recording.lane("all"), Kind::wait, "", 0, 100 * ms);
  const auto row = cells(drawn(draft::picture(recording), 109)[0], 3);  // 100 cells
  ASSERT_EQ(row.size(), 75U);  // no blanks behind the last bar
  for (std::size_t i = 0; i < row.size(); ++i)
    EXPECT_EQ(row[i], i < 25 ? "█" : i < 50 ? " " : "▓") << i;
}

TEST(Chart, TicksStandAtTheirTimes) {
  const auto lines = drawn(draft::plain("row", 100 * ms), 109);  // 100 cells: one a millisecond
  const std::string& ticks = lines[1];
  for (const int time : {20, 40, 60, 80})
    EXPECT_EQ(ticks.find(std::to_string(time)), static_cast<std::size_t>(7 + time)) << ticks;
  EXPECT_EQ(ticks.find("0 ms"), 7U);
  EXPECT_EQ(ticks.find("100"), 106U) << ticks;
}

TEST(Chart, TicksDoNotTouch) {
  for (int width = 50; width <= 160; ++width) {
    for (const int number : {1, 2, 3, 4, 5, 6, 12, 60, 120, 600, 1200}) {
      const auto lines = drawn(draft::plain("a name of 18 bytes", number * 1000), width);
      const std::string ticks = lines[1].substr(22);
      const std::size_t unit = ticks.find("s");
      ASSERT_NE(unit, std::string::npos);
      EXPECT_TRUE(unit + 1 == ticks.size() || ticks[unit + 1] == ' ') << ticks;
    }
  }
}

TEST(Chart, MarksStandAboveTheRowsAndInTheLegendOnce) {
  Recording recording;
  recording.bar(recording.lane("row"), Kind::work, "", 0, 100 * ms);
  recording.mark("here", 10 * ms);
  recording.fault("too early", 50 * ms);
  recording.mark("there", 98 * ms);
  const auto lines = drawn(draft::picture(recording), 109);
  EXPECT_EQ(lines[0], std::string(7 + 10, ' ') + "▾ here" + std::string(34, ' ') + "✗ too early" +
                          std::string(31, ' ') + "there ▾");
  EXPECT_EQ(lines.back(), "       █ work  ▾ moment  ✗ fault");
}

TEST(Chart, MomentsAtOnePlaceAreAllNamedOnce) {
  Recording recording;
  recording.bar(recording.lane("row"), Kind::work, "", 0, 100 * ms);
  recording.mark("killed", 10 * ms);
  recording.fault("stopped", 11 * ms);
  recording.mark("killed", 12 * ms);
  recording.mark("killed", 40 * ms);
  const auto lines = drawn(draft::picture(recording), 109);
  EXPECT_EQ(lines[0], std::string(7 + 11, ' ') + "✗ stopped");
  EXPECT_EQ(lines[1], std::string(7 + 10, ' ') + "▾ killed" + std::string(22, ' ') + "▾ killed");
}

TEST(Chart, AFaultIsRed) {
  Recording recording;
  recording.bar(recording.lane("row"), Kind::work, "", 0, 100 * ms);
  recording.fault("too early", 50 * ms);
  const auto lines = drawn(draft::picture(recording), 109, true);
  EXPECT_EQ(count(lines[0], "\x1b[31m✗ too early\x1b[0m"), 1) << lines[0];
}

TEST(Chart, WaitingWhileHoldingHasAGlyphOfItsOwn) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::hold, "lock 0", 0, 100 * ms);
  recording.bar(lane, Kind::wait, "lock 1", 50 * ms, 100 * ms);
  const auto lines = drawn(draft::picture(recording), 109);
  const auto row = cells(lines[0], 3);
  EXPECT_EQ(count(row, "▓"), 50);
  EXPECT_EQ(count(row, "▒"), 50);
  EXPECT_EQ(lines[2], "       ░ wait  ▓ hold  ▒ hold and wait");
}

TEST(Chart, OneOfALargerScaleLeavesTheRestOfItsWidth) {
  Picture picture = draft::plain("row", 25 * ms);
  picture.scale = 100 * ms;
  const auto lines = drawn(picture, 109);
  EXPECT_EQ(cells(lines[0], 3).size(), 25U) << lines[0];
  EXPECT_EQ(count(lines[1], "80"), 1) << lines[1];
  EXPECT_EQ(count(lines[1], "own scale"), 0) << lines[1];
}

TEST(Chart, OneOfAnotherScaleSaysSo) {
  Picture picture = draft::plain("row", 25 * ms);
  picture.own_scale = true;
  for (const int width : {50, 80}) {
    const auto lines = drawn(picture, width);
    EXPECT_TRUE(lines[1].starts_with("  own scale  0 ms")) << lines[1];
    for (const std::string& line : lines) EXPECT_LE(columns(line), width) << line;
  }
}

TEST(Chart, ASeamPartsWorkFromWork) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::work, "one", 0, 50 * ms);
  recording.bar(lane, Kind::work, "two", 50 * ms, 100 * ms);
  const auto row = cells(drawn(draft::picture(recording), 109)[0], 3);
  EXPECT_EQ(count(row, "▉"), 1);
  EXPECT_EQ(row[49], "▉");
  EXPECT_EQ(count(row, "█"), 99);
}

TEST(Chart, NoSeamWhereThereIsAGap) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::work, "one", 0, 40 * ms);
  recording.bar(lane, Kind::work, "two", 60 * ms, 100 * ms);
  EXPECT_EQ(count(cells(drawn(draft::picture(recording), 109)[0], 3), "▉"), 0);
}

TEST(Chart, AVeryShortBarIsSeen) {
  for (const Kind kind : {Kind::work, Kind::hold, Kind::send, Kind::receive}) {
    Recording recording;
    const auto lane = recording.lane("row");
    recording.bar(lane, Kind::wait, "", 0, 10'000 * ms);
    recording.bar(lane, kind, "x", 5'000 * ms, 5'000 * ms + 1);
    recording.bar(recording.lane("other"), Kind::send, "x", 0, 1);  // or a receive only waits
    const auto row = cells(drawn(draft::picture(recording), 80)[0], 5);
    EXPECT_EQ(count(row, pdc::detail::style(kind).glyph), 1);
  }
}

TEST(Chart, NoDurationIsNoDivisionByZero) {
  const auto lines = drawn(draft::plain("row", 0), 80);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(count(lines[0], "█"), 1) << lines[0];
}

TEST(Chart, BeyondTwentyFourRowsItCounts) {
  const auto all = drawn(draft::rows(24), 80);
  EXPECT_EQ(all.size(), 26U);
  const auto some = drawn(draft::rows(30), 80);
  ASSERT_EQ(some.size(), 27U);
  EXPECT_TRUE(some[23].starts_with("  row 24")) << some[23];
  EXPECT_EQ(some[24], "  ... and 6 more (--svg shows all)");
}

TEST(Chart, ColourIsThereOnlyWhenAskedFor) {
  const std::string plain = pdc::detail::chart(draft::rows(3), 80, false);
  std::string coloured = pdc::detail::chart(draft::rows(3), 80, true);
  EXPECT_EQ(count(plain, "\x1b"), 0);
  EXPECT_EQ(count(coloured, "\x1b[0m"), count(coloured, "\x1b[3"));
  for (const auto& kind : pdc::detail::kind_styles)
    EXPECT_GE(count(coloured, std::string("\x1b[") + kind.colour + "m" + kind.glyph), 1);
  for (std::size_t at = 0; (at = coloured.find('\x1b')) != std::string::npos;)
    coloured.erase(at, coloured.find('m', at) + 1 - at);
  EXPECT_EQ(coloured, plain);
}

TEST(Chart, LongNamesAreCutToWholeCharacters) {
  const auto lines = drawn(draft::plain("éééééééééééé", 10 * ms), 80);
  const std::string& row = lines[0];
  EXPECT_TRUE(row.starts_with("  éééé")) << row;
  const std::size_t end = row.find_first_not_of("\xc3\xa9", 2);
  EXPECT_EQ(row[end], ' ') << row;
  EXPECT_EQ((end - 2) % 2, 0U) << row;
}

}  // namespace
