// SPDX-License-Identifier: MIT
#include "pdc/check.hpp"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "run_scenario.hpp"

namespace {

using scenario::run;

class FailedClaim : public testing::TestWithParam<const char*> {};

TEST_P(FailedClaim, EndsTheProgramWithStatusOneAndSaysWhatFailed) {
  const auto ended = run({"fails", "--where", GetParam(), "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] the sum is right (3 of 4)\n");
  EXPECT_EQ(ended.out, "");
}

INSTANTIATE_TEST_SUITE_P(From, FailedClaim,
                         testing::Values("main", "thread", "child", "waited child", "grandchild"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::erase(name, ' ');
                           return name;
                         });

TEST(Check, ThreadsThatFailAtOnceSayOneLine) {
  for (const char* threads : {"2", "16"}) {
    for (int round = 0; round < 5; ++round) {
      const auto ended = run({"threads_fail", "--threads", threads, "--quiet"});
      EXPECT_EQ(ended.status, 1);
      EXPECT_EQ(scenario::lines(ended.err).size(), 1U) << ended.err;
      EXPECT_EQ(scenario::count(ended.err, "scenario: [failed] no thread fails"), 1) << ended.err;
      EXPECT_EQ(ended.out, "");
    }
  }
}

TEST(Check, ThreadsThatFailAtOnceGiveOneJsonObject) {
  for (int round = 0; round < 10; ++round) {
    const auto ended = run({"threads_fail", "--threads", "64", "--json"});
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

TEST(Check, AFailedClaimIsInTheJson) {
  const auto ended = run({"fails", "--json"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] the sum is right (3 of 4)\n");
  const boost::json::value report = boost::json::parse(ended.out);
  EXPECT_FALSE(report.at("all_claims_hold").as_bool());
  ASSERT_EQ(report.at("claims").as_array().size(), 1U);
  const boost::json::value& claim = report.at("claims").as_array()[0];
  EXPECT_EQ(claim.at("claim").as_string(), "the sum is right");
  EXPECT_EQ(claim.at("evidence").as_string(), "3 of 4");
  EXPECT_FALSE(claim.at("holds").as_bool());
}

TEST(Check, AClaimThatFailsOnAThreadIsInTheJson) {
  const auto ended = run({"fails", "--json", "--where", "thread"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_FALSE(boost::json::parse(ended.out).at("all_claims_hold").as_bool());
}

TEST(Check, AProgramWithoutAClaimHasFailed) {
  const auto ended = run({"no_claim", "--quiet"});
  EXPECT_EQ(ended.status, 1);
  EXPECT_EQ(ended.err, "scenario: [failed] the program made no claim\n");
  EXPECT_EQ(ended.out, "");
}

}  // namespace
