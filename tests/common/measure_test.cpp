// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>
#include <cstdlib>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "picture/arena.hpp"
#include "run_scenario.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

std::string order_of(int rounds) {
  std::string order;
  const auto note = [&](char who) { return [&order, who] { order += who; }; };
  pdc::time_in_turns({{"a", 1, note('A')}, {"b", 1, note('B')}, {"c", 1, note('C')}}, rounds);
  return order;
}

TEST(TimeInTurns, RunsAllInTurnsAfterOneRoundThatDoesNotCount) {
  EXPECT_EQ(order_of(1), "ABCABC");
  EXPECT_EQ(order_of(3), "ABCABCABCABC");
}

TEST(TimeInTurns, OneRoundIsAllIfTheEnvironmentSaysSo) {
  setenv("PDC_ONE_ROUND", "1", 1);
  EXPECT_EQ(order_of(3), "ABC");
  unsetenv("PDC_ONE_ROUND");
}

/// What the runs themselves see of their times: a run takes at least what passes inside it, and at
/// most what passes between its neighbours. So the same order statistics bound what is reported, on
/// however busy a machine.
struct Bounds {
  std::vector<double> least;
  std::vector<double> most;
};

pdc::Timing time_sleeps(const std::vector<int>& milliseconds, Bounds& bounds) {
  std::vector<Clock::time_point> begins;
  std::vector<Clock::time_point> ends;
  const auto sleep = [&] {
    begins.push_back(Clock::now());
    const std::size_t run = begins.size();  // 1 is the round that does not count
    const std::chrono::milliseconds time(run > 1 ? milliseconds[run - 2] : 0);
    std::this_thread::sleep_for(time);  // plays what is timed
    ends.push_back(Clock::now());
  };
  const auto rounds = static_cast<int>(milliseconds.size());
  const std::vector<pdc::Timing> timings = pdc::time_in_turns({{"sleep", 1, sleep}}, rounds);
  const Clock::time_point after = Clock::now();
  for (std::size_t run = 1; run < begins.size(); ++run) {
    const Clock::time_point next = run + 1 < begins.size() ? begins[run + 1] : after;
    bounds.least.push_back(Seconds(ends[run] - begins[run]).count());
    bounds.most.push_back(Seconds(next - ends[run - 1]).count());
  }
  std::sort(bounds.least.begin(), bounds.least.end());
  std::sort(bounds.most.begin(), bounds.most.end());
  return timings.at(0);
}

TEST(TimeInTurns, MedianOfAnOddCountIsTheMiddleOne) {
  Bounds bounds;
  const pdc::Timing timing = time_sleeps({40, 0, 10}, bounds);
  EXPECT_GE(timing.lowest, bounds.least[0]);
  EXPECT_LE(timing.lowest, bounds.most[0]);
  EXPECT_GE(timing.median, bounds.least[1]);
  EXPECT_LE(timing.median, bounds.most[1]);
  EXPECT_GE(timing.highest, bounds.least[2]);
  EXPECT_LE(timing.highest, bounds.most[2]);
}

TEST(TimeInTurns, MedianOfAnEvenCountIsBetweenTheMiddleTwo) {
  Bounds bounds;
  const pdc::Timing timing = time_sleeps({40, 0, 20, 5}, bounds);
  EXPECT_GE(timing.median, (bounds.least[1] + bounds.least[2]) / 2);
  EXPECT_LE(timing.median, (bounds.most[1] + bounds.most[2]) / 2);
}

TEST(TimeInTurns, OneRoundIsItsOwnMedianAndTwoMeetInTheMiddle) {
  Bounds bounds;
  const pdc::Timing one = time_sleeps({0}, bounds);
  EXPECT_EQ(one.median, one.lowest);
  EXPECT_EQ(one.median, one.highest);
  const pdc::Timing two = time_sleeps({0, 5}, bounds);
  EXPECT_DOUBLE_EQ(two.median, (two.lowest + two.highest) / 2);
}

TEST(TimeInTurns, TheTimelinePauses) {
  pdc::detail::make_arena(16);
  const pdc::Lane lane("runner");
  pdc::time_in_turns({{"spans", 1, [&] { lane.work("step").end(); }}}, 3);
  EXPECT_EQ(pdc::detail::arena.load()->records.load(), 0U);
  lane.work("after").end();
  EXPECT_EQ(pdc::detail::arena.load()->records.load(), 1U);
  pdc::detail::drop_arena();
}

TEST(TimeInTurns, ThrowsWhatAVariantThrows) {
  const pdc::Variant bad{"bad", 1, [] { throw std::runtime_error("no luck"); }};
  EXPECT_THROW(pdc::time_in_turns({bad}), std::runtime_error);
}

/// A sixth of the deadline has gone after the first round, the deadline itself after all of them.
TEST(TimeInTurns, ASlowMachineGetsThreeRoundsAndAllTheTimeItNeeds) {
  const auto ended = scenario::run({"measures_slowly", "--threads", "9", "--deadline", "2"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(scenario::count(ended.out, "(4 runs)"), 1) << ended.out;
}

TEST(TimeInTurns, AChildDoesAllRoundsAndHasAllTheTimeItNeeds) {
  const auto ended = scenario::run(
      {"measures_slowly", "--threads", "4", "--deadline", "2", "--where", "waited child"});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(scenario::count(ended.out, "(5 runs)"), 1) << ended.out;
}

TEST(SaySpeedup, PrintsARowForEachVariantAndTheLimit) {
  const auto ended = scenario::run({"measures"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  const std::vector<std::string> lines = scenario::lines(ended.out);
  const auto heading = std::find(lines.begin(), lines.end(), "how long each takes");
  ASSERT_GE(lines.end() - heading, 6);
  EXPECT_EQ(scenario::count(heading[1], "median"), 1);
  EXPECT_EQ(scenario::count(heading[1], "speed-up"), 1);
  EXPECT_TRUE(heading[2].starts_with("  serial ")) << heading[2];
  EXPECT_EQ(scenario::count(heading[2], " 1.00       100 %"), 1) << heading[2];
  EXPECT_TRUE(heading[3].starts_with("  two threads ")) << heading[3];
  EXPECT_EQ(heading[4], "  a yardstick, 2 serial runs at once:");
  EXPECT_TRUE(heading[5].starts_with("  yardstick ")) << heading[5];
}

TEST(SaySpeedup, ReportsEverythingInJson) {
  const auto ended = scenario::run({"measures", "--json"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  const boost::json::value report = boost::json::parse(ended.out);
  std::vector<std::string> names;
  for (const boost::json::value& m : report.at("measurements").as_array())
    names.emplace_back(m.at("name").as_string());
  const std::vector<std::string> expected = {"serial, median",
                                             "serial, lowest",
                                             "serial, highest",
                                             "serial, speed-up",
                                             "two threads, median",
                                             "two threads, lowest",
                                             "two threads, highest",
                                             "two threads, speed-up",
                                             "two threads, Karp-Flatt",
                                             "yardstick, median",
                                             "yardstick, lowest",
                                             "yardstick, highest",
                                             "yardstick, speed-up",
                                             "yardstick, Karp-Flatt",
                                             "rate",
                                             "count"};
  EXPECT_EQ(names, expected);
}

TEST(SaySpeedup, TellsTheSerialPartThatWouldExplainTheSpeedUp) {
  const auto ended = scenario::run({"measures", "--json"});
  ASSERT_EQ(ended.status, 0) << ended.err;
  std::map<std::string, double> values;
  const boost::json::value report = boost::json::parse(ended.out);
  for (const boost::json::value& m : report.at("measurements").as_array())
    values[std::string(m.at("name").as_string())] = m.at("value").to_number<double>();
  const double serial_part = values.at("two threads, Karp-Flatt") / 100;
  const double by_amdahl = 1 / (serial_part + (1 - serial_part) / 2);
  EXPECT_NEAR(by_amdahl, values.at("two threads, speed-up"), 1e-6);
}

TEST(TimeText, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(pdc::time_text(0.0412), "41.2 ms");
  EXPECT_EQ(pdc::time_text(3.14159), "3.14 s");
  EXPECT_EQ(pdc::time_text(0.000'001'5), "1.50 µs");
  EXPECT_EQ(pdc::time_text(2.5e-8), "25.0 ns");
  EXPECT_EQ(pdc::time_text(1), "1.00 s");
  EXPECT_EQ(pdc::time_text(123.4), "123 s");
  EXPECT_EQ(pdc::time_text(-0.0412), "-41.2 ms");
  EXPECT_EQ(pdc::time_text(0), "0.00 ns");
}

TEST(TimeText, WritesNoExponent) {
  for (const double seconds : {999.6e-9, 999.6e-6, 0.9996, 1000.0, 86'400.0}) {
    const std::string text = pdc::time_text(seconds);
    EXPECT_EQ(text.find('e'), std::string::npos) << text;
  }
}

}  // namespace
