// SPDX-License-Identifier: MIT
#include "pdc/deadline.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <fmt/core.h>

#include <string>
#include <tuple>

#include "run_scenario.hpp"

namespace {

using scenario::count;
using scenario::run;

TEST(Deadline, NamesWhatEachThreadHoldsAndWaitsFor) {
  const auto ended = run({"stuck_threads"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "scenario: still running after 0.05 s"), 1) << ended.err;
  for (const auto& [eater, first, second] :
       {std::tuple(1, "fork", "knife"), std::tuple(2, "knife", "fork")}) {
    const std::string holds = fmt::format("\n  eater {} holds: the {} (for ", eater, first);
    const std::string waits = fmt::format("\n  eater {} waits for: the {} (for ", eater, second);
    EXPECT_EQ(count(ended.err, holds), 1) << ended.err;
    EXPECT_EQ(count(ended.err, waits), 1) << ended.err;
    EXPECT_LT(ended.err.find(holds), ended.err.find(waits)) << ended.err;
  }
  EXPECT_EQ(count(ended.err, "idle"), 0) << ended.err;
  EXPECT_EQ(count(ended.err, "over"), 0) << ended.err;
  EXPECT_EQ(count(ended.err, "\n  main is in: main(), before the first scene (for "), 1)
      << ended.err;
  EXPECT_EQ(scenario::lines(ended.err).size(), 6U) << ended.err;
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
  EXPECT_EQ(scenario::lines(ended.err).size(), 2U) << ended.err;
  EXPECT_EQ(count(ended.err, "scenario: still running after 0.05 s"), 1) << ended.err;
}

TEST(Deadline, NamesTheSceneThatTheMainThreadIsIn) {
  auto ended = run({"stuck", "--where", "scene"});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "\n  main is in: the scene <of the crime> (for "), 1) << ended.err;
  ended = run({"stuck", "--where", "after"});
  EXPECT_EQ(count(ended.err, "\n  main is in: main(), after the scene 'before' (for "), 1)
      << ended.err;
  ended = run({"stuck", "--where", "lane"});
  EXPECT_EQ(count(ended.err, "\n  main waits for: a call (for "), 1) << ended.err;
  EXPECT_EQ(scenario::lines(ended.err).size(), 2U) << ended.err;
}

TEST(Deadline, ComesWhateverSignalsWereBlockedBefore) {
  sigset_t all;
  sigset_t usual;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &usual);  // inherited by what is run
  const auto ended = run({"stuck", "--deadline", "0.05"});
  pthread_sigmask(SIG_SETMASK, &usual, nullptr);
  EXPECT_EQ(ended.status, 4);
}

TEST(Deadline, BeginsAnewWithTheEndOfAScene) {
  EXPECT_EQ(run({"shows_slowly", "--deadline", "2"}).status, 0);
}

TEST(Deadline, DoesNotTouchAProgramThatEndsInTime) {
  EXPECT_EQ(run({"holds", "--deadline", "3600"}).status, 0);
}

}  // namespace
