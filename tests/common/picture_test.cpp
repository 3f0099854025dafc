// SPDX-License-Identifier: MIT
#include "picture/picture.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include "draft.hpp"

namespace pdc::detail {

// For the equality and the printing of what is compared below.
bool operator==(const Bar& a, const Bar& b) {
  return std::tie(a.kind, a.label, a.begin, a.end) == std::tie(b.kind, b.label, b.begin, b.end);
}
void PrintTo(const Bar& bar, std::ostream* out) {
  *out << style(bar.kind).name << " '" << bar.label << "' " << bar.begin << ".." << bar.end;
}
bool operator==(const Arrow& a, const Arrow& b) {
  return std::tie(a.from_row, a.to_row, a.from, a.to, a.label) ==
         std::tie(b.from_row, b.to_row, b.from, b.to, b.label);
}
void PrintTo(const Arrow& arrow, std::ostream* out) {
  *out << arrow.from_row << "@" << arrow.from << " -> " << arrow.to_row << "@" << arrow.to << " '"
       << arrow.label << "'";
}

}  // namespace pdc::detail

namespace {

using draft::Recording;
using pdc::Kind;
using pdc::detail::Arrow;
using pdc::detail::Bar;
using pdc::detail::Collective;
using pdc::detail::flatten;
using pdc::detail::Picture;
using pdc::detail::Row;
using Bars = std::vector<Bar>;

std::vector<std::string> names(const Picture& picture) {
  std::vector<std::string> result;
  for (const Row& row : picture.rows) result.push_back(row.name);
  return result;
}

TEST(Rows, StandInTheOrderOfTheirMakingAndOfTheirNumbers) {
  Recording recording;
  for (const char* name : {"main", "runner 10", "end", "runner 2", "7", "runner 1", "main"})
    recording.bar(recording.lane(name), Kind::work, "", 0, 1);
  EXPECT_EQ(
      names(draft::picture(recording)),
      (std::vector<std::string>{"main", "main", "runner 1", "runner 2", "runner 10", "end", "7"}));
}

TEST(Rows, WithoutABarAreLeftOut) {
  Recording recording;
  recording.lane("idle");
  recording.bar(recording.lane("busy"), Kind::work, "step", 5, 9);
  recording.lane("idle too");
  const Picture picture = draft::picture(recording);
  EXPECT_EQ(names(picture), std::vector<std::string>{"busy"});
  EXPECT_EQ(picture.rows[0].process, 101);
}

TEST(Rows, KnowThatTheyAreTasks) {
  Recording recording;
  recording.bar(recording.lane("thread"), Kind::work, "", 0, 1);
  recording.bar(recording.lane("task", true), Kind::work, "", 0, 1);
  const Picture picture = draft::picture(recording);
  EXPECT_FALSE(picture.rows[0].task);
  EXPECT_TRUE(picture.rows[1].task);
}

TEST(Times, CountFromTheFirstBar) {
  Recording recording;
  const auto lane = recording.lane("runner");
  recording.bar(lane, Kind::work, "late", 1'000'030, 1'000'050);
  recording.bar(lane, Kind::work, "early", 1'000'000, 1'000'010);
  recording.mark("here", 1'000'020);
  const Picture picture = draft::picture(recording);
  EXPECT_EQ(picture.rows[0].bars,
            (Bars{{Kind::work, "early", 0, 10}, {Kind::work, "late", 30, 50}}));
  EXPECT_EQ(picture.duration, 50);
  ASSERT_EQ(picture.marks.size(), 1U);
  EXPECT_EQ(picture.marks[0].time, 20);
  EXPECT_EQ(picture.marks[0].label, "here");
  EXPECT_EQ(picture.title, "title");
}

TEST(Times, OfNothingAreNone) {
  const Picture picture = draft::picture({});
  EXPECT_TRUE(picture.rows.empty());
  EXPECT_EQ(picture.duration, 0);
}

TEST(Dropped, IsHandedOn) {
  Recording recording;
  recording.dropped = 7;
  EXPECT_EQ(draft::picture(recording).dropped, 7U);
  recording.bar(recording.lane("runner"), Kind::work, "", 0, 1);
  EXPECT_EQ(draft::picture(recording).dropped, 7U);
}

// Messages.

TEST(Messages, OfOneLabelAreJoinedNthWithNth) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  recording.bar(to, Kind::receive, "job", 40, 45);
  recording.bar(from, Kind::send, "job", 10, 12);
  recording.bar(from, Kind::send, "job", 30, 32);
  recording.bar(to, Kind::receive, "job", 20, 25);
  recording.bar(from, Kind::send, "other", 50, 51);
  recording.bar(to, Kind::receive, "other", 50, 55);
  const Picture picture = draft::picture(recording);
  EXPECT_EQ(
      picture.arrows,
      (std::vector<Arrow>{{0, 1, 0, 15, "job"}, {0, 1, 20, 35, "job"}, {0, 1, 40, 45, "other"}}));
}

TEST(Messages, OfOneKeyAreJoinedWhateverTheirLabels) {
  Recording recording;
  const auto rank0 = recording.lane("rank 0");
  const auto rank1 = recording.lane("rank 1");
  recording.bar(rank0, Kind::send, "Send to 1", 0, 1, 11);
  recording.bar(rank0, Kind::send, "Send to 1", 2, 3, 13);
  recording.bar(rank1, Kind::receive, "Recv from 0", 5, 6, 13);
  recording.bar(rank1, Kind::receive, "Recv from 0", 7, 8, 11);
  EXPECT_EQ(draft::picture(recording).arrows,
            (std::vector<Arrow>{{0, 1, 0, 8, "Send to 1"}, {0, 1, 2, 6, "Send to 1"}}));
}

TEST(Messages, WithoutALabelOrOfOtherKindsAreNone) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  recording.bar(from, Kind::send, "", 0, 1);
  recording.bar(to, Kind::receive, "", 0, 1);
  recording.bar(from, Kind::work, "job", 2, 3);
  recording.bar(to, Kind::receive, "job", 2, 3);
  EXPECT_TRUE(draft::picture(recording).arrows.empty());
}

TEST(Messages, AreWaitedForUntilTheirSendBegins) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  recording.bar(to, Kind::receive, "job", 0, 30);
  recording.bar(from, Kind::send, "job", 20, 22);
  const Picture picture = draft::picture(recording);
  EXPECT_EQ(picture.rows[1].bars,
            (Bars{{Kind::wait, "job", 0, 20}, {Kind::receive, "job", 20, 30}}));
  EXPECT_EQ(picture.rows[0].bars, (Bars{{Kind::send, "job", 20, 22}}));
}

TEST(Messages, ThatAreThereAreNotWaitedFor) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  recording.bar(from, Kind::send, "job", 0, 2);
  recording.bar(to, Kind::receive, "job", 10, 30);
  EXPECT_EQ(draft::picture(recording).rows[1].bars, (Bars{{Kind::receive, "job", 10, 30}}));
}

TEST(Messages, ThatDoNotComeAreOnlyWaitedFor) {
  Recording recording;
  recording.bar(recording.lane("to"), Kind::receive, "job", 0, 30);
  const Picture picture = draft::picture(recording);
  EXPECT_EQ(picture.rows[0].bars, (Bars{{Kind::wait, "job", 0, 30}}));
  EXPECT_TRUE(picture.arrows.empty());
}

TEST(Messages, DoNotArriveBeforeTheyAreSent) {  // two clocks agree to some microseconds only
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  recording.bar(to, Kind::receive, "job", 0, 10);
  recording.bar(from, Kind::send, "job", 12, 15);
  const Picture picture = draft::picture(recording);
  ASSERT_EQ(picture.arrows.size(), 1U);
  EXPECT_LE(picture.arrows[0].from, picture.arrows[0].to);
}

TEST(Rows, KeepTheirBarsInOrderWhenAReceiveIsSplit) {  // as MPI_Sendrecv with a late partner
  Recording recording;
  const auto from = recording.lane("from");
  const auto both = recording.lane("both");
  recording.bar(both, Kind::receive, "job", 0, 30);
  recording.bar(both, Kind::send, "other", 1, 2);
  recording.bar(from, Kind::send, "job", 20, 22);
  const Row row = draft::picture(recording).rows.at(1);
  EXPECT_TRUE(std::is_sorted(row.bars.begin(), row.bars.end(),
                             [](const Bar& a, const Bar& b) { return a.begin < b.begin; }));
  EXPECT_EQ(flatten(row), (Bars{{Kind::wait, "job", 0, 1},
                                {Kind::send, "other", 1, 2},
                                {Kind::wait, "job", 2, 20},
                                {Kind::receive, "job", 20, 30}}));
}

// Collective calls, of three ranks that come at 0, 10 and 20, and leave at 30.

Picture call(Collective collective, std::uint32_t root) {
  Recording recording;
  for (std::uint32_t rank = 0; rank < 3; ++rank) {
    const auto lane = recording.lane("rank " + std::to_string(rank));
    recording.call(lane, collective, rank == root, 10 * rank, 30);
  }
  return draft::picture(recording);
}

TEST(Collectives, OfAllWaitForTheLast) {
  const Picture picture = call(Collective::all, 99);
  EXPECT_EQ(picture.rows[0].bars,
            (Bars{{Kind::wait, "call", 0, 20}, {Kind::receive, "call", 20, 30}}));
  EXPECT_EQ(picture.rows[1].bars,
            (Bars{{Kind::wait, "call", 10, 20}, {Kind::receive, "call", 20, 30}}));
  EXPECT_EQ(picture.rows[2].bars, (Bars{{Kind::receive, "call", 20, 30}}));
  EXPECT_TRUE(picture.arrows.empty());
}

TEST(Collectives, ThatARootGivesWaitForTheRoot) {
  const Picture picture = call(Collective::root_gives, 1);
  EXPECT_EQ(picture.rows[0].bars,
            (Bars{{Kind::wait, "call", 0, 10}, {Kind::receive, "call", 10, 30}}));
  EXPECT_EQ(picture.rows[1].bars, (Bars{{Kind::send, "call", 10, 30}}));
  EXPECT_EQ(picture.rows[2].bars, (Bars{{Kind::receive, "call", 20, 30}}));
  EXPECT_EQ(picture.arrows, (std::vector<Arrow>{{1, 0, 10, 30, "call"}, {1, 2, 10, 30, "call"}}));
}

TEST(Collectives, ThatARootTakesLetTheRootWaitForTheLast) {
  const Picture picture = call(Collective::root_takes, 0);
  EXPECT_EQ(picture.rows[0].bars,
            (Bars{{Kind::wait, "call", 0, 20}, {Kind::receive, "call", 20, 30}}));
  EXPECT_EQ(picture.rows[1].bars, (Bars{{Kind::send, "call", 10, 30}}));
  EXPECT_EQ(picture.rows[2].bars, (Bars{{Kind::send, "call", 20, 30}}));
  EXPECT_EQ(picture.arrows, (std::vector<Arrow>{{1, 0, 10, 30, "call"}, {2, 0, 20, 30, "call"}}));
}

TEST(Collectives, ThatAreLooseTellNoWaitingApart) {
  const Picture picture = call(Collective::loose, 99);
  for (const Row& row : picture.rows) EXPECT_EQ(row.bars.size(), 1U);
  EXPECT_TRUE(picture.arrows.empty());
}

// Nesting.

TEST(Bars, KnowWhatStandsAroundThem) {
  Recording recording;
  const auto lane = recording.lane("row");
  recording.bar(lane, Kind::hold, "a", 0, 100);
  recording.bar(lane, Kind::work, "b", 10, 60);
  recording.bar(lane, Kind::wait, "c", 20, 30);
  recording.bar(lane, Kind::wait, "d", 100, 110);
  const Picture picture = draft::picture(recording);
  const Bars& bars = picture.rows[0].bars;
  ASSERT_EQ(bars.size(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(bars[i].depth, i == 3 ? 0 : static_cast<int>(i)) << i;
    EXPECT_EQ(bars[i].in_hold, i == 1 || i == 2) << i;
  }
  EXPECT_TRUE(pdc::detail::holds_and_waits(picture));
  EXPECT_FALSE(pdc::detail::holds_and_waits(draft::rows(1)));
}

TEST(Messages, BeyondSendsOfTheirLabelAreLostIfAnyCame) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  for (int i = 0; i < 3; ++i) recording.bar(from, Kind::send, "part", 100 * i, 100 * i + 10);
  recording.bar(to, Kind::receive, "part", 20, 30);
  recording.bar(from, Kind::send, "never taken", 400, 410);  // by nobody who is in the picture
  const Picture picture = draft::picture(recording);
  ASSERT_EQ(picture.arrows.size(), 3U);
  EXPECT_FALSE(picture.arrows[0].lost);
  EXPECT_TRUE(picture.arrows[1].lost && picture.arrows[2].lost);
  EXPECT_EQ(picture.arrows[2].from_row, picture.arrows[2].to_row);
  EXPECT_EQ(picture.arrows[2].to, 210);
}

TEST(Messages, ThatMatterAreSelected) {
  std::vector<Arrow> arrows;
  for (int i = 0; i < 100; ++i) arrows.push_back({0, 1, i, i + 1, std::to_string(i), i % 50});
  arrows[10].lost = true;
  arrows[20].again = true;
  std::vector<std::string> chosen;
  for (const Arrow& arrow : pdc::detail::select_arrows(arrows, 6, 1)) chosen.push_back(arrow.label);
  EXPECT_EQ(chosen, (std::vector<std::string>{"0", "10", "20", "48", "49", "99"}));
  EXPECT_EQ(pdc::detail::select_arrows(arrows, 100, 1), arrows);
}

TEST(Messages, ThatAreNearlyTheSameAreSelectedOnce) {
  std::vector<Arrow> arrows;
  for (int i = 0; i < 100; ++i) arrows.push_back({0, 1, i, i + 50, "job", 100 - i});
  arrows[1].from_row = 2;
  std::vector<std::int64_t> chosen;
  for (const Arrow& arrow : pdc::detail::select_arrows(arrows, 5, 10)) chosen.push_back(arrow.from);
  EXPECT_EQ(chosen, (std::vector<std::int64_t>{0, 1, 10, 20, 99}));
}

TEST(Messages, ThatWereSentAgainAreKnownByTheirLabel) {
  Recording recording;
  const auto from = recording.lane("from");
  const auto to = recording.lane("to");
  for (const char* label : {"part 1", "part 2", "part 1"}) {
    const auto time = static_cast<std::int64_t>(100 * recording.bars.size());
    recording.bar(from, Kind::send, label, time, time + 10);
    recording.bar(to, Kind::receive, label, time, time + 50);
  }
  const Picture picture = draft::picture(recording);
  ASSERT_EQ(picture.arrows.size(), 3U);
  EXPECT_FALSE(picture.arrows[0].again || picture.arrows[1].again);
  EXPECT_TRUE(picture.arrows[2].again);
}

TEST(Scale, IsThatOfTheLongestAndOfThoseThatAreFarTooShort) {
  std::vector<Picture> pictures;
  for (const int duration : {100, 2000, 99, 1000, 5})
    pictures.push_back(draft::plain("row", duration));
  pdc::detail::share_scale(pictures);
  const std::vector<std::int64_t> scales = {2000, 2000, 99, 2000, 99};
  for (std::size_t i = 0; i < scales.size(); ++i) {
    EXPECT_EQ(pictures[i].scale, scales[i]) << i;
    EXPECT_EQ(pictures[i].own_scale, scales[i] == 99) << i;
  }
}

TEST(Scale, FollowsTheLongestOneBeforeIfItFits) {
  struct Case {
    int duration, scale;
    bool own;
  };
  std::int64_t longest = 0;
  for (const Case& one : {Case{100, 100, false}, Case{20, 100, false}, Case{19, 19, true},
                          Case{60, 100, false}, Case{300, 300, true}, Case{100, 300, false}}) {
    Picture picture = draft::plain("row", one.duration);
    pdc::detail::follow_scale(picture, longest);
    EXPECT_EQ(picture.scale, one.scale) << one.duration;
    EXPECT_EQ(picture.own_scale, one.own) << one.duration;
  }
}

TEST(Flatten, TheInnerBarCounts) {
  const Row row{"",
                0,
                false,
                {{Kind::work, "outer", 0, 100},
                 {Kind::wait, "first", 10, 20},
                 {Kind::hold, "second", 40, 80},
                 {Kind::send, "innermost", 50, 60},
                 {Kind::work, "next", 120, 130}}};
  EXPECT_EQ(flatten(row), (Bars{{Kind::work, "outer", 0, 10},
                                {Kind::wait, "first", 10, 20},
                                {Kind::work, "outer", 20, 40},
                                {Kind::hold, "second", 40, 50},
                                {Kind::send, "innermost", 50, 60},
                                {Kind::hold, "second", 60, 80},
                                {Kind::work, "outer", 80, 100},
                                {Kind::work, "next", 120, 130}}));
}

TEST(Flatten, InnerBarsMayShareTheEndsOfTheOuterOne) {
  const Row row{"",
                0,
                false,
                {{Kind::work, "outer", 0, 100},
                 {Kind::wait, "first", 0, 30},
                 {Kind::hold, "second", 30, 30},
                 {Kind::send, "third", 30, 100}}};
  EXPECT_EQ(flatten(row), (Bars{{Kind::wait, "first", 0, 30}, {Kind::send, "third", 30, 100}}));
}

TEST(Flatten, OfNothingIsNothing) {
  EXPECT_TRUE(flatten({"", 0, false, {}}).empty());
}

// The axis.

TEST(Axis, StepsAreRoundAndNotTooMany) {
  for (const int most : {1, 6, 7}) {
    for (std::int64_t duration = 1; duration < 100'000'000'000'000;
         duration += 1 + duration / 7) {  // 1 ns to a day
      const pdc::detail::Axis axis = pdc::detail::make_axis(duration, most);
      EXPECT_GE(axis.step, 1);
      EXPECT_LE(duration / axis.step, most);
      if (most > 5 && duration >= most) {
        EXPECT_GE(duration / axis.step, 2) << duration;
      }
      std::int64_t digit = axis.step;
      while (digit % 10 == 0) digit /= 10;
      EXPECT_TRUE(digit == 1 || digit == 2 || digit == 5) << axis.step;
    }
  }
}

TEST(Axis, UnitsFollowTheDuration) {
  const auto unit = [](std::int64_t duration) {
    return std::string(pdc::detail::make_axis(duration, 6).unit_name);
  };
  EXPECT_EQ(unit(1), "ns");
  EXPECT_EQ(unit(1'999), "ns");
  EXPECT_EQ(unit(2'000), "µs");
  EXPECT_EQ(unit(1'999'999), "µs");
  EXPECT_EQ(unit(2'000'000), "ms");
  EXPECT_EQ(unit(2'000'000'000), "s");
  EXPECT_EQ(unit(3'600'000'000'000), "s");
}

TEST(Axis, TextIsShort) {
  const pdc::detail::Axis axis = pdc::detail::make_axis(2'500'000, 6);  // steps of 0.5 ms
  EXPECT_EQ(axis.text(0), "0 ms");
  EXPECT_EQ(axis.text(500'000), "0.5");
  EXPECT_EQ(axis.text(1'000'000), "1");
  EXPECT_EQ(pdc::detail::make_axis(7'200'000'000'000, 6).text(2'000'000'000'000), "2000");
}

TEST(Uses, TellsWhichKindsThereAre) {
  Recording recording;
  recording.bar(recording.lane("runner"), Kind::hold, "lock", 0, 1);
  const Picture picture = draft::picture(recording);
  EXPECT_TRUE(pdc::detail::uses(picture, Kind::hold));
  EXPECT_FALSE(pdc::detail::uses(picture, Kind::work));
}

}  // namespace
