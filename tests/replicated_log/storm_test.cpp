// SPDX-License-Identifier: MIT
#include "attacks.hpp"
#include "rules.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace {

int from_environment(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

/// Each seed has its own weather and attacks: from a calm day to all at once.
Storm storm_of(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  const auto choose = [&](int lowest, int highest) {
    return lowest + static_cast<int>(random() % static_cast<unsigned>(highest - lowest + 1));
  };
  return {.nodes = choose(1, 7),
          .seed = seed,
          .weather = {.drop = std::max(0, choose(-40, 40)), .delay = choose(1, 20)},
          .kills = choose(0, 4),
          .partitions = choose(0, 4),
          .full_disks = choose(0, 3),
          .requests = choose(10, 60)};
}

std::string command_of(const Storm& storm) {
  return fmt::format(
      "replicated_log --nodes {} --seed {} --drop {} --delay {} --kill {} --partition {} "
      "--full-disk {} --requests {}",
      storm.nodes, storm.seed, storm.weather.drop, storm.weather.delay, storm.kills,
      storm.partitions, storm.full_disks, storm.requests);
}

void expect_safe(const Evidence& evidence) {
  EXPECT_LE(evidence.most_leaders(), 1);
  EXPECT_EQ(evidence.disagreements, 0);
  EXPECT_EQ(evidence.lost, 0);
  EXPECT_TRUE(is_linearizable(evidence.history));
}

TEST(Storm, KeepsWhatWasAcknowledgedAndAnswersAll) {
  const int first = from_environment("PDC_FIRST_STORM", 0);
  const int storms = from_environment("PDC_STORMS", 10);
  int kills = 0, partitions = 0, full_disks = 0, answers = 0;
  for (int seed = first; seed < first + storms; ++seed) {
    const Storm storm = storm_of(seed);
    SCOPED_TRACE(command_of(storm));
    const Evidence evidence = ride_out(storm, majority);
    expect_safe(evidence);
    EXPECT_EQ(evidence.answered(), storm.requests);
    kills += evidence.kills;
    partitions += evidence.partitions;
    full_disks += evidence.full_disks;
    answers += evidence.answered();
  }
  fmt::print("{} storms from seed {}: {} kills, {} partitions, {} full disks, {} answers\n", storms,
             first, kills, partitions, full_disks, answers);
  EXPECT_GT(kills, 0);
  EXPECT_GT(partitions, 0);
  EXPECT_GT(full_disks, 0);
}

TEST(Storm, IsTheSameForTheSameSeed) {
  const Storm storm = storm_of(11);
  const Evidence one = ride_out(storm, majority), another = ride_out(storm, majority);
  EXPECT_EQ(one.executed, another.executed);
  EXPECT_EQ(one.leaders, another.leaders);
  ASSERT_EQ(one.history.size(), another.history.size());
  for (std::size_t i = 0; i < one.history.size(); ++i) {
    EXPECT_EQ(one.history[i].invoked, another.history[i].invoked);
    EXPECT_EQ(one.history[i].returned, another.history[i].returned);
    EXPECT_EQ(one.history[i].value, another.history[i].value);
  }
}

TEST(Storm, FindsThatALeaderAloneIsNotEnough) {
  constexpr int most = 10;
  int storms = 0;
  bool is_found = false;
  while (!is_found && storms < most) {
    const Storm storm{.nodes = 5,
                      .seed = storms,
                      .weather = {10, 5},
                      .kills = 4,
                      .partitions = 4,
                      .full_disks = 0,
                      .requests = 60};
    const Evidence evidence = ride_out(storm, any_one);
    is_found = evidence.disagreements > 0 || evidence.lost > 0;
    ++storms;
  }
  EXPECT_TRUE(is_found);
}

TEST(Attack, HarmsNobody) {
  for (const Evidence& evidence : attack_each_rule(majority)) expect_safe(evidence);
}

}  // namespace
