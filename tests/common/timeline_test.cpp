// SPDX-License-Identifier: MIT
#include "pdc/timeline.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pdc/process.hpp"
#include "picture/arena.hpp"
#include "picture/picture.hpp"
#include "picture/recording.hpp"

namespace {

using pdc::Kind;
using pdc::Lane;
using pdc::detail::RawBar;
using pdc::detail::Recording;

class Timeline : public testing::Test {
 protected:
  ~Timeline() override { pdc::detail::drop_arena(); }

  static void make_arena(std::uint32_t capacity) { pdc::detail::make_arena(capacity); }
  static Recording recorded() { return pdc::detail::read_arena(0); }
};

std::string name_of(const Recording& recording, const RawBar& bar) {
  return recording.lanes.at(bar.lane).name.data();
}

std::vector<std::string> labels(const Recording& recording) {
  std::vector<std::string> result;
  for (const RawBar& bar : recording.bars) result.emplace_back(bar.label.data());
  return result;
}

constexpr int steps = 500;

/// Spans of all kinds, each with a number.
void record_steps(const Lane& lane) {
  for (int i = 0; i < steps; ++i) {
    const auto span = lane.span(static_cast<Kind>(i % 5), "step {}", i);
  }
}

/// Every lane holds every step once, in order, with its kind, begun and ended one after the other.
void expect_all_steps(const Recording& recording, const std::set<std::string>& names) {
  std::map<std::string, std::vector<RawBar>> of_lane;
  for (const RawBar& bar : recording.bars) of_lane[name_of(recording, bar)].push_back(bar);
  std::set<std::string> found;
  for (const auto& [name, bars] : of_lane) {
    found.insert(name);
    ASSERT_EQ(bars.size(), static_cast<std::size_t>(steps)) << name;
    for (std::size_t i = 0; i < bars.size(); ++i) {
      EXPECT_EQ(bars[i].label.data(), "step " + std::to_string(i)) << name;
      EXPECT_EQ(bars[i].kind, static_cast<Kind>(i % 5));
      EXPECT_GT(bars[i].begin, 0);
      EXPECT_LE(bars[i].begin, bars[i].end);
      if (i > 0) {
        EXPECT_LE(bars[i - 1].end, bars[i].begin);
      }
    }
  }
  EXPECT_EQ(found, names);
  EXPECT_EQ(recording.dropped, 0U);
}

TEST_F(Timeline, FourThreadsRecordEverySpanOnce) {
  make_arena(1 << 14);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) threads.emplace_back([i] { record_steps(Lane("thread {}", i)); });
  }
  expect_all_steps(recorded(), {"thread 0", "thread 1", "thread 2", "thread 3"});
}

TEST_F(Timeline, ThreeChildrenRecordEverySpanOnce) {
  make_arena(1 << 14);
  std::set<int> processes;
  {
    std::vector<pdc::Child> children;
    for (int i = 0; i < 3; ++i) {
      children.emplace_back([i] { record_steps(Lane("child {}", i)); });
      processes.insert(children.back().pid());
    }
  }
  const Recording recording = recorded();
  expect_all_steps(recording, {"child 0", "child 1", "child 2"});
  std::set<int> noted;
  for (const auto& lane : recording.lanes) noted.insert(lane.process);
  EXPECT_EQ(noted, processes);
}

TEST_F(Timeline, ALaneMadeInTheParentBelongsToTheChildThatUsesIt) {
  make_arena(1 << 12);
  const Lane lane("worker");
  const Lane own("parent");
  pdc::Child child([&] { record_steps(lane); });
  const int pid = child.pid();
  child.wait();
  Recording recording = recorded();
  expect_all_steps(recording, {"worker"});
  EXPECT_EQ(recording.lanes.at(0).process, pid);
  own.work("step").end();
  recording = recorded();
  EXPECT_EQ(recording.lanes.at(1).process, getpid());
}

TEST_F(Timeline, LanesMadeAtTheSameTimeAllGetTheirName) {
  make_arena(1 << 12);
  constexpr int each = 100;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([i] {
        for (int n = 0; n < each; ++n) Lane("{} of {}", n, i).work("step").end();
      });
    }
  }
  const Recording recording = recorded();
  std::set<std::string> names;
  for (const RawBar& bar : recording.bars) names.insert(name_of(recording, bar));
  EXPECT_EQ(names.size(), 4U * each);
  EXPECT_EQ(recording.lanes.size(), 4U * each);
}

TEST_F(Timeline, EachFunctionRecordsItsKind) {
  make_arena(16);
  const Lane lane("runner");
  lane.work("a {}", 1).end();
  lane.wait("b {}", 2).end();
  lane.hold("c {}", 3).end();
  lane.send("d {}", 4).end();
  lane.receive("e {}", 5).end();
  const Recording recording = recorded();
  EXPECT_EQ(labels(recording), (std::vector<std::string>{"a 1", "b 2", "c 3", "d 4", "e 5"}));
  const std::vector<Kind> kinds = {Kind::work, Kind::wait, Kind::hold, Kind::send, Kind::receive};
  for (std::size_t i = 0; i < kinds.size(); ++i) EXPECT_EQ(recording.bars[i].kind, kinds[i]);
}

TEST_F(Timeline, AMovedFromSpanDoesNotEndTwice) {
  make_arena(16);
  const Lane lane("runner");
  std::int64_t end = 0;
  {
    pdc::Span first = lane.work("step");
    pdc::Span second = std::move(first);
    first.end();
    EXPECT_EQ(pdc::detail::arena.load()->record[0].end.load(), 0);  // still open
    second.end();
    end = recorded().bars.at(0).end;
    second.end();
  }
  EXPECT_EQ(recorded().bars.at(0).end, end);
  EXPECT_EQ(recorded().bars.size(), 1U);
}

TEST_F(Timeline, RenameNamesABarAfterItsBeginning) {
  make_arena(16);
  const Lane lane("runner");
  auto span = lane.receive("something");
  span.rename("number {}", 7);
  span.end();
  EXPECT_EQ(labels(recorded()), std::vector<std::string>{"number 7"});
}

TEST_F(Timeline, LongTextIsCut) {
  make_arena(16);
  const std::string text(100, 'x');
  const std::string cut(31, 'x');
  const Lane lane("{}", text);
  auto span = lane.work("{}", text);
  pdc::mark(text);
  EXPECT_EQ(labels(recorded()), (std::vector<std::string>{cut, cut}));
  EXPECT_EQ(recorded().lanes.at(0).name.data(), cut);
  span.rename("{}", "short");
  EXPECT_EQ(labels(recorded()).at(0), "short");
}

TEST_F(Timeline, ACutLeavesWholeCharacters) {
  make_arena(16);
  const std::string thirty(30, 'x');
  const Lane lane("{}é", thirty);
  lane.work("{}é", thirty).end();
  pdc::mark(thirty + "é");
  EXPECT_EQ(labels(recorded()), (std::vector<std::string>{thirty, thirty}));
  EXPECT_EQ(recorded().lanes.at(0).name.data(), thirty);
}

TEST_F(Timeline, NothingIsRecordedWhilePaused) {
  make_arena(16);
  const Lane lane("runner");
  {
    const pdc::detail::Paused outer;
    {
      const pdc::detail::Paused inner;
      EXPECT_EQ(lane.work("step").record(), pdc::detail::none);
    }
    lane.work("step").end();
    pdc::mark("here");
    EXPECT_FALSE(pdc::recording());
  }
  EXPECT_TRUE(pdc::recording());
  lane.work("after").end();
  EXPECT_EQ(labels(recorded()), std::vector<std::string>{"after"});
  EXPECT_EQ(recorded().dropped, 0U);
}

TEST_F(Timeline, ASpanOpenBeforeAPauseEndsInIt) {
  make_arena(16);
  const Lane lane("runner");
  auto span = lane.work("step");
  const pdc::detail::Paused paused;
  span.end();
  EXPECT_NE(pdc::detail::arena.load()->record[0].end.load(), 0);
}

TEST_F(Timeline, WithoutAnArenaNothingIsKept) {
  const Lane lane("runner");
  auto span = lane.work("step");
  span.rename("other");
  pdc::mark("here");
  EXPECT_EQ(span.record(), pdc::detail::none);
  make_arena(16);
  lane.work("step").end();  // the lane is not in this arena
  EXPECT_TRUE(recorded().bars.empty());
  EXPECT_TRUE(recorded().lanes.empty());
}

TEST_F(Timeline, AFullArenaCountsExactlyWhatItDropped) {
  make_arena(10);
  const Lane lane("runner");
  for (int i = 0; i < 25; ++i) lane.work("step {}", i).end();
  pdc::mark("here");
  const Recording recording = recorded();
  EXPECT_EQ(recording.bars.size(), 10U);
  EXPECT_STREQ(recording.bars.back().label.data(), "step 9");
  EXPECT_EQ(recording.dropped, 16U);
}

TEST_F(Timeline, AFullArenaCountsExactlyWithThreadsAndChildren) {
  make_arena(100);
  const auto record = [](int i) { record_steps(Lane("lane {}", i)); };
  {
    const pdc::Child child([&] { record(0); });
    const std::jthread one(record, 1);
    const std::jthread two(record, 2);
  }
  const Recording recording = recorded();
  EXPECT_EQ(recording.bars.size(), 100U);
  EXPECT_EQ(recording.dropped, 3U * steps - 100U);
}

TEST_F(Timeline, LanesBeyondTheCapacityAreDroppedAndCounted) {
  make_arena(1 << 12);
  constexpr auto most = static_cast<int>(pdc::detail::lane_capacity);
  for (int i = 0; i < most + 5; ++i) Lane("lane {}", i).work("step").end();
  const Recording recording = recorded();
  EXPECT_EQ(recording.lanes.size(), pdc::detail::lane_capacity);
  EXPECT_EQ(recording.bars.size(), pdc::detail::lane_capacity);
  EXPECT_EQ(recording.dropped, 5U);
}

TEST_F(Timeline, SpansOfADroppedLaneAreCounted) {
  make_arena(1 << 12);
  constexpr auto most = static_cast<int>(pdc::detail::lane_capacity);
  for (int i = 0; i < most; ++i) Lane("lane {}", i);
  const Lane late("late");
  for (int i = 0; i < 7; ++i) late.work("step {}", i).end();
  EXPECT_EQ(recorded().dropped, 7U);
}

TEST_F(Timeline, ALaneKnowsWhatItIsDoingNow) {
  make_arena(16);
  const Lane lane("runner");
  const std::atomic<std::uint32_t>& now = pdc::detail::arena.load()->lane[0].now;
  EXPECT_EQ(now.load(), pdc::detail::none);
  {
    const auto outer = lane.work("outer");
    EXPECT_EQ(now.load(), outer.record());
    {
      const auto inner = lane.wait("inner");
      EXPECT_EQ(now.load(), inner.record());
    }
    EXPECT_EQ(now.load(), outer.record());
  }
  EXPECT_EQ(now.load(), pdc::detail::none);
}

TEST_F(Timeline, ACopyOfALaneIsTheSameRow) {
  make_arena(16);
  const Lane lane("runner");
  const Lane copy = lane;
  lane.work("one").end();
  copy.work("two").end();
  const Recording recording = recorded();
  EXPECT_EQ(recording.lanes.size(), 1U);
  EXPECT_EQ(recording.bars.at(0).lane, recording.bars.at(1).lane);
}

TEST_F(Timeline, ALaneMayBeATask) {
  make_arena(16);
  const Lane thread("loop");
  const Lane task(pdc::task, "client {}", 1);
  EXPECT_FALSE(recorded().lanes.at(0).task);
  EXPECT_TRUE(recorded().lanes.at(1).task);
}

TEST_F(Timeline, ASpanThatIsOpenEndsNowForTheReader) {
  make_arena(16);
  const Lane lane("runner");
  const auto span = lane.work("step");
  const Recording recording = recorded();
  EXPECT_GE(recording.bars.at(0).end, recording.bars.at(0).begin);
  EXPECT_LE(recording.bars.at(0).end, pdc::detail::now_ns());
}

TEST_F(Timeline, ReadingMayBeginAtAnyRecord) {
  make_arena(16);
  const Lane lane("runner");
  lane.work("before").end();
  const std::uint32_t first = pdc::detail::arena.load()->records.load();
  lane.work("in the scene").end();
  EXPECT_EQ(labels(pdc::detail::read_arena(first)), std::vector<std::string>{"in the scene"});
}

TEST_F(Timeline, NestedSpansFlattenToBarsThatDoNotOverlap) {
  make_arena(16);
  const Lane lane("runner");
  {
    const auto outer = lane.work("outer");
    lane.wait("first").end();
    {
      const auto middle = lane.hold("middle");
      lane.send("innermost").end();
    }
  }
  const pdc::detail::Picture picture = pdc::detail::assemble("", recorded());
  const std::vector<pdc::detail::Bar> bars = pdc::detail::flatten(picture.rows.at(0));
  std::int64_t covered = 0;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    EXPECT_LT(bars[i].begin, bars[i].end);
    if (i > 0) {
      EXPECT_LE(bars[i - 1].end, bars[i].begin);
    }
    covered += bars[i].end - bars[i].begin;
  }
  EXPECT_EQ(covered, picture.duration);
}

TEST_F(Timeline, RowsStandInTheOrderOfTheirMakingWithNumbersInOrder) {
  make_arena(64);
  for (const char* name : {"starter", "runner 10", "judge", "runner 2", "runner 1"})
    Lane("{}", name).work("step").end();
  const pdc::detail::Picture picture = pdc::detail::assemble("", recorded());
  std::vector<std::string> names;
  for (const auto& row : picture.rows) names.push_back(row.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"starter", "runner 1", "runner 2", "runner 10", "judge"}));
}

}  // namespace
