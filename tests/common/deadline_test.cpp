// SPDX-License-Identifier: MIT
#include "pdc/deadline.hpp"

#include <gtest/gtest.h>

#include "run_scenario.hpp"

namespace {

using scenario::count;
using scenario::run;

TEST(Deadline, NamesWhatEachThreadHoldsOrWaitsFor) {
  const auto ended = run({"stuck_threads"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "scenario: still running after 0.05 s"), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "\n  eater 1 waits for: the knife (for "), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "\n  eater 2 waits for: the fork (for "), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "idle"), 0) << ended.err;
  EXPECT_EQ(scenario::lines(ended.err).size(), 3U) << ended.err;
}

TEST(Deadline, NamesWhatAChildIsStuckInAndEndsIt) {
  const auto ended = run({"stuck_child"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "\n  parent waits for: its child (for "), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "\n  child receives: a letter (for "), 1) << ended.err;
}

TEST(Deadline, IsSetByTheOption) {
  const auto ended = run({"stuck", "--deadline", "0.05"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
  EXPECT_EQ(count(ended.err, "scenario: still running after 0.05 s"), 1) << ended.err;
}

TEST(Deadline, DoesNotTouchAProgramThatEndsInTime) {
  EXPECT_EQ(run({"holds", "--deadline", "3600"}).status, 0);
}

}  // namespace
