// SPDX-License-Identifier: MIT
/// How MPI programs end: all ranks with one status, and the message once.

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <cstdlib>
#include <string>
#include <utility>

#include "run_scenario.hpp"

namespace {

using scenario::count;
using scenario::run;

TEST(MpiEnd, ClaimsThatHoldAreStatusZeroAndPrintedOnce) {
  const auto ended = run({"holds"}, {.ranks = 3});
  EXPECT_EQ(ended.status, 0) << ended.err;
  EXPECT_EQ(ended.out,
            "scenario_mpi: how ranks end\ntold by 0\nrank 0\nrank 1\nrank 2\n\n"
            "[ok] the sum is right\nall claims hold\n");
}

TEST(MpiEnd, JsonIsOneObject) {
  const auto ended = run({"holds", "--json"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 0) << ended.err;
  const boost::json::value report = boost::json::parse(ended.out);
  EXPECT_TRUE(report.at("all_claims_hold").as_bool());
  EXPECT_EQ(report.at("claims").as_array().size(), 1U);
  EXPECT_EQ(report.at("measurements").as_array().size(), 1U);
}

TEST(MpiEnd, WhatFailsOnAnyRankIsPrintedOnceByRank0) {
  for (int round = 0; round < 3; ++round) {
    const auto ended = run({"fails", "--quiet"}, {.ranks = 3});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.out,
              "[ok] all came\n[ok] the sum is right (3 of 4)\n[failed] all left (0 left)\n"
              "[failed] others speak (on rank 1)\n"
              "[failed] the sum is right (on rank 2: 3 of 4)\n");
    EXPECT_EQ(count(ended.err, "scenario_mpi: "), 1) << ended.err;
    EXPECT_EQ(count(ended.err, "scenario_mpi: 3 of 4 claims failed\n"), 1) << ended.err;
  }
}

TEST(MpiEnd, WhatFailsOnAnyRankIsInTheJson) {
  const auto ended = run({"fails", "--json"}, {.ranks = 3});
  EXPECT_EQ(ended.status, 1);
  const boost::json::value report = boost::json::parse(ended.out);
  EXPECT_FALSE(report.at("all_claims_hold").as_bool());
  const boost::json::array& claims = report.at("claims").as_array();
  ASSERT_EQ(claims.size(), 4U);
  EXPECT_TRUE(claims[0].at("holds").as_bool());
  EXPECT_FALSE(claims[1].at("holds").as_bool());
  EXPECT_EQ(claims[1].at("evidence").as_string(), "on rank 2: 3 of 4");
  EXPECT_FALSE(claims[2].at("holds").as_bool());
  EXPECT_EQ(claims[3].at("claim").as_string(), "others speak");
}

TEST(MpiEnd, WhatFailsOnOneRankAloneFailsAll) {
  const auto ended = run({"fails_on_the_last", "--quiet"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "[ok] all came\n[failed] the sum is right (on rank 1: 3 of 4)\n");
}

TEST(MpiEnd, WhatFailedOnAnotherRankIsNotLostAtTheDeadline) {
  const auto ended = run({"fails_and_sticks", "--quiet"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "scenario_mpi: [failed] the sum is right (on rank 1: 3 of 4)\n"), 1)
      << ended.err;
}

struct Failure {
  const char* scenario;
  const char* says;
};

class NeedOfOneRank : public testing::TestWithParam<Failure> {};

TEST_P(NeedOfOneRank, EndsAllWithStatusOneAndOneMessage) {
  const auto ended = run({GetParam().scenario, "--quiet"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(count(ended.err, GetParam().says), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "[failed]"), 1) << ended.err;
  EXPECT_EQ(ended.out, "");
}

INSTANTIATE_TEST_SUITE_P(
    Of, NeedOfOneRank,
    testing::Values(
        Failure{"needs", "scenario_mpi: [failed] the sum is right (on rank 1: 3 of 4)"},
        Failure{"needs_in_thread", "scenario_mpi: [failed] the sum is right (on rank 1: 3 of 4)"},
        Failure{"fails_in_child", "scenario_mpi: [failed] the sum is right (on rank 1: 3 of 4)"}),
    [](const auto& test) { return std::string(test.param.scenario); });

TEST(MpiEnd, AnEscapedExceptionIsStatusOne) {
  const auto ended = run({"throws"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(count(ended.err, "scenario_mpi: [failed] an exception escaped: no luck"), 1)
      << ended.err;
}

TEST(MpiEnd, NoClaimIsStatusOne) {
  const auto ended = run({"no_claim"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(count(ended.err, "scenario_mpi: [failed] the program made no claim"), 1) << ended.err;
}

TEST(MpiEnd, ARefusalIsStatusThree) {
  const auto ended = run({"refuses"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(count(ended.err, "scenario_mpi: bind port 80: no; take another"), 1) << ended.err;
}

TEST(MpiEnd, ARejectionIsStatusTwoSaidOnce) {
  const auto ended = run({"rejects"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(count(ended.err, "scenario_mpi: --items 1: not here"), 1) << ended.err;
}

TEST(MpiEnd, AWrongCallIsStatusThreeWithMpisOwnText) {
  const auto ended = run({"wrong_call"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 3);
  EXPECT_EQ(count(ended.err, "scenario_mpi: rank 1: MPI_ERR_RANK: invalid rank"), 1) << ended.err;
}

TEST(MpiEnd, AWrongOptionIsStatusTwoSaidOnceBeforeAnythingIsPrinted) {
  for (const char* option : {"--items=0", "--item=3", "stray"}) {
    const auto ended = run({"holds", option}, {.ranks = 3});
    EXPECT_EQ(ended.status, 2) << option;
    EXPECT_EQ(count(ended.err, "scenario_mpi: "), 1) << ended.err;
    EXPECT_EQ(count(ended.out, "told"), 0) << ended.out;
    EXPECT_EQ(count(ended.out, "how ranks end"), 0) << ended.out;
  }
}

TEST(MpiEnd, HelpIsPrintedOnce) {
  const auto ended = run({"holds", "--help"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(count(ended.out, "Scenario: how ranks end."), 1) << ended.out;
}

TEST(MpiEnd, TooFewRanksIsStatusTwoSaidOnce) {
  const auto ended = run({"needs_three"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(count(ended.err, "scenario_mpi: needs at least 3 ranks and has 2"), 1) << ended.err;
  EXPECT_EQ(run({"needs_three"}, {.ranks = 3}).status, 0);
}

TEST(MpiEnd, OneRankPrintsThePicture) {
  const auto ended = run({"draws"}, {.ranks = 3});
  EXPECT_EQ(ended.status, 0) << ended.err;
  for (const char* row : {"\n  rank 0  ", "\n  rank 1  ", "\n  rank 2  "})
    EXPECT_EQ(count(ended.out, row), 1) << ended.out;
}

TEST(MpiEnd, TheDeadlineNamesWhatEveryRankWaitsFor) {
  const auto ended = run({"stuck"}, {.ranks = 2});
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "scenario_mpi: still running after 0.5 s"), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "  rank 0 receives: Recv from 1 (for "), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "  rank 1 receives: Recv from 0 (for "), 1) << ended.err;
}

TEST(MpiEnd, WhatIsNotSettledFailsAProgramThatLooksFine) {
  const std::string failed = "[failed] MPI's requests, objects and calls are settled ";
  for (const auto& [name, text] : {
           std::pair("forgets_to_free",
                     "(rank 0: Type_vector made a type that is never freed; "
                     "rank 1: Type_vector made a type that is never freed)"),
           std::pair("forgets_to_receive", "(Send from 1 to 0 with tag 3 never received)"),
           std::pair("disagrees",
                     "(collective call 2: Bcast with root 0 on rank 0, "
                     "Bcast with root 1 on rank 1)"),
           std::pair("calls_alone",
                     "(collective call 1: Bcast with root 0 on rank 0, none on rank 1)"),
       }) {
    const auto ended = run({name}, {.ranks = 2});
    EXPECT_EQ(ended.status, 1) << name;
    EXPECT_EQ(count(ended.out, failed + text), 1) << ended.out;
    EXPECT_EQ(count(ended.out, "all claims hold"), 0) << ended.out;
  }
}

TEST(MpiEnd, ThreadsMayCallAtOnceAndAllIsSettled) {
  const auto ended = run({"calls_from_threads"}, {.ranks = 3});
  EXPECT_EQ(ended.status, 0) << ended.out << ended.err;
  for (const char* row : {"\n  rank 0, thread 0  ", "\n  rank 2, thread 3  "})
    EXPECT_EQ(count(ended.out, row), 1) << ended.out;
}

TEST(MpiEnd, CollectiveCallsAreComparedAmongMembersOnly) {
  const auto ended = run({"differs_in_a_part"}, {.ranks = 3});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(count(ended.out, "(some ranks made collective calls that others did not)"), 1)
      << ended.out;
}

TEST(MpiEnd, SynchronousSendsFindWhoNeedsBuffers) {
  EXPECT_EQ(run({"sends_first"}, {.ranks = 2}).status, 0);
  setenv("PDC_MPI_SYNCHRONOUS", "1", 1);
  const auto ended = run({"sends_first", "--deadline", "1"}, {.ranks = 2});
  unsetenv("PDC_MPI_SYNCHRONOUS");
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(count(ended.err, "  rank 0 sends: Send to 1 (for "), 1) << ended.err;
  EXPECT_EQ(count(ended.err, "  rank 1 sends: Send to 0 (for "), 1) << ended.err;
}

}  // namespace
