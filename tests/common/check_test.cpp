// SPDX-License-Identifier: MIT
#include "pdc/check.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "run_scenario.hpp"

namespace {

using scenario::run;

class FailedClaim : public testing::TestWithParam<const char*> {};

TEST_P(FailedClaim, StandsInItsPlaceAndTheProgramGoesOnAndEndsWithStatusOne) {
  const auto ended = run({"fails", "--where", GetParam(), "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "[ok] all came\n[failed] the sum is right (3 of 4)\n[ok] nobody is left\n");
  EXPECT_EQ(ended.err, "scenario: 1 of 3 claims failed\n");
}

INSTANTIATE_TEST_SUITE_P(From, FailedClaim, testing::Values("main", "thread"));

class NeededClaim : public testing::TestWithParam<const char*> {};

TEST_P(NeededClaim, EndsTheProgramAtOnce) {
  const auto ended = run({"needs", "--where", GetParam(), "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out, "[failed] the sum is right (3 of 4)\n");
  EXPECT_EQ(ended.err, "scenario: 1 of 1 claims failed; what follows needs it, so it ends here\n");
}

INSTANTIATE_TEST_SUITE_P(From, NeededClaim, testing::Values("main", "thread"));

class ClaimOfAChild : public testing::TestWithParam<const char*> {};

TEST_P(ClaimOfAChild, EndsTheProgramAtOnceAndSaysWhatFailed) {
  for (const char* scenario : {"needs", "fails_in_child"}) {
    const auto ended = run({scenario, "--where", GetParam(), "--quiet"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "scenario: [failed] the sum is right (3 of 4)\n");
    EXPECT_EQ(ended.out, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Being, ClaimOfAChild,
                         testing::Values("child", "waited child", "grandchild"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, ' ');
                           return name;
                         });

TEST(Check, WhatIsNeededEndsItAfterWhatHasFailedBefore) {
  const auto ended = run({"needs_in_the_end"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.out,
            "scenario: how \"programs\" end\n\n[ok] all came\n[failed] all left (3 of 4)\n"
            "[failed] the sum is right (3 of 4)\n");
  EXPECT_EQ(ended.err, "scenario: 2 of 3 claims failed; what follows needs it, so it ends here\n");
}

struct End {
  const char* how;
  int status;
  const char* says;
};

class EndAfterAFailedClaim : public testing::TestWithParam<End> {};

TEST_P(EndAfterAFailedClaim, DoesNotLoseIt) {
  const auto ended = run({"fails_and_ends", "--what", GetParam().how, "--quiet"});
  EXPECT_EQ(ended.status, GetParam().status);
  EXPECT_EQ(scenario::count(ended.out, "[failed] the sum is right (3 of 4)\n"), 1) << ended.out;
  EXPECT_EQ(scenario::count(ended.err, GetParam().says), 1) << ended.err;
  EXPECT_EQ(scenario::count(ended.err, "[failed] the sum"), 0) << ended.err;
}

TEST_P(EndAfterAFailedClaim, DoesNotLoseItWhereJsonWasAskedFor) {
  const auto ended = run({"fails_and_ends", "--what", GetParam().how, "--json"});
  EXPECT_EQ(ended.status, GetParam().status);
  EXPECT_EQ(ended.out, "");
  EXPECT_EQ(scenario::count(ended.err, "scenario: [failed] the sum is right (3 of 4)\n"), 1)
      << ended.err;
  EXPECT_EQ(scenario::count(ended.err, GetParam().says), 1) << ended.err;
}

INSTANTIATE_TEST_SUITE_P(
    By, EndAfterAFailedClaim,
    testing::Values(End{"exit", 1, "scenario: 1 of 2 claims failed\n"},
                    End{"child", 1, "scenario: 1 of 3 claims failed\n"},
                    End{"exception", 1, "scenario: [failed] an exception escaped: no luck\n"},
                    End{"refusal", 3, "scenario: bind port 80: no; take another\n"},
                    End{"deadline", 4, "scenario: still running after 0.05 s"}),
    [](const auto& test) { return std::string(test.param.how); });

TEST(Check, OfThreadsThatFailAtOnceEachIsPrinted) {
  for (int round = 0; round < 5; ++round) {
    const auto ended = run({"threads_fail", "--threads", "16", "--quiet"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "scenario: 16 of 16 claims failed\n");
    EXPECT_EQ(scenario::lines(ended.out).size(), 16U) << ended.out;
    EXPECT_EQ(scenario::count(ended.out, "[failed] no thread fails (thread "), 16) << ended.out;
  }
}

TEST(Check, ThreadsThatNeedAtOnceSayOneLastLine) {
  for (const char* threads : {"2", "16"}) {
    for (int round = 0; round < 5; ++round) {
      const auto ended = run({"threads_need", "--threads", threads, "--quiet"});
      EXPECT_EQ(ended.status, 1);
      EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
      EXPECT_EQ(scenario::count(ended.err, " claims failed; what follows needs it"), 1)
          << ended.err;
    }
  }
}

TEST(Check, ThreadsThatNeedAtOnceGiveOneJsonObject) {
  for (int round = 0; round < 10; ++round) {
    const auto ended = run({"threads_need", "--threads", "64", "--json"});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(scenario::lines(ended.out).size(), 1U) << ended.out;
  }
}

TEST(Check, TwoChildrenThatFailAtOnceSayOneLine) {
  const auto ended = run({"two_children_fail", "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] the sum is right (3 of 4)\n");
}

TEST(Check, ClaimsThatHoldArePrintedWithTheirEvidence) {
  const auto ended = run({"holds", "--quiet"});
  EXPECT_EQ(ended.status, 0);
  EXPECT_EQ(ended.out, "[ok] the sum is right (4 of 4)\n[ok] \"all\" came\nall claims hold\n");
  EXPECT_EQ(ended.err, "");
}

TEST(Check, ABlankLinePartsTheClaimsFromTheStory) {
  const auto ended = run({"holds"});
  EXPECT_EQ(ended.out,
            "scenario: how \"programs\" end\n\n[ok] the sum is right (4 of 4)\n[ok] \"all\" came\n"
            "all claims hold\n");
}

TEST(Check, AllClaimsAreInTheJsonWithTheirVerdicts) {
  for (const char* where : {"main", "thread"}) {
    const auto ended = run({"fails", "--json", "--where", where});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err, "scenario: 1 of 3 claims failed\n");
    const boost::json::value report = boost::json::parse(ended.out);
    EXPECT_FALSE(report.at("all_claims_hold").as_bool());
    const boost::json::array& claims = report.at("claims").as_array();
    ASSERT_EQ(claims.size(), 3U);
    EXPECT_TRUE(claims[0].at("holds").as_bool());
    EXPECT_EQ(claims[1].at("claim").as_string(), "the sum is right");
    EXPECT_EQ(claims[1].at("evidence").as_string(), "3 of 4");
    EXPECT_FALSE(claims[1].at("holds").as_bool());
    EXPECT_TRUE(claims[2].at("holds").as_bool());
  }
}

TEST(Check, AClaimThatIsNeededIsInTheJson) {
  for (const char* where : {"main", "thread"}) {
    const auto ended = run({"needs", "--json", "--where", where});
    EXPECT_EQ(ended.status, 1);
    EXPECT_EQ(ended.err,
              "scenario: 1 of 1 claims failed; what follows needs it, so it ends here\n");
    EXPECT_FALSE(boost::json::parse(ended.out).at("all_claims_hold").as_bool());
  }
}

TEST(Check, AProgramWithoutAClaimHasFailed) {
  const auto ended = run({"no_claim", "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] the program made no claim\n");
  EXPECT_EQ(ended.out, "");
}

}  // namespace
