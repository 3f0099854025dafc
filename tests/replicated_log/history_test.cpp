// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace {

Operation put(int value, int invoked, int returned = never, int key = 0) {
  return {true, key, value, invoked, returned};
}

Operation get(int value, int invoked, int returned = never, int key = 0) {
  return {false, key, value, invoked, returned};
}

TEST(History, OfOneClientIsLinearizable) {
  EXPECT_TRUE(is_linearizable({}));
  EXPECT_TRUE(
      is_linearizable({get(0, 1, 2), put(1, 3, 4), get(1, 5, 6), put(2, 7, 8), get(2, 9, 10)}));
}

TEST(History, MayPutOverlappingOnesInAnyOrder) {
  EXPECT_TRUE(is_linearizable({put(1, 1, 4), put(2, 2, 3), get(1, 5, 6)}));
  EXPECT_TRUE(is_linearizable({put(1, 1, 4), put(2, 2, 3), get(2, 5, 6)}));
  EXPECT_TRUE(is_linearizable({put(1, 1, 10), get(0, 2, 3), get(1, 4, 5)}));
}

TEST(History, RefusesAStaleRead) {
  EXPECT_FALSE(is_linearizable({put(1, 1, 2), put(2, 3, 4), get(1, 5, 6)}));
  EXPECT_FALSE(is_linearizable({put(1, 1, 2), get(0, 3, 4)}));
}

TEST(History, RefusesAValueThatNobodyHasPut) {
  EXPECT_FALSE(is_linearizable({put(1, 1, 2), get(3, 3, 4)}));
  EXPECT_FALSE(is_linearizable({get(1, 1, 2), put(1, 3, 4)}));
}

TEST(History, RefusesReadsThatGoBack) {
  EXPECT_FALSE(is_linearizable({put(1, 1, 10), get(1, 2, 3), get(0, 4, 5)}));
  EXPECT_FALSE(
      is_linearizable({put(1, 1, 10), put(2, 2, 9), get(1, 3, 4), get(2, 5, 6), get(1, 7, 8)}));
}

TEST(History, RefusesAPutThatIsDoneTwice) {
  EXPECT_FALSE(is_linearizable({put(1, 1, 2), put(2, 3, 4), get(2, 5, 6), get(1, 7, 8)}));
}

TEST(History, WithoutAnAnswerAllIsPossible) {
  EXPECT_TRUE(is_linearizable({put(1, 1), get(0, 2, 3), get(0, 4, 5)}));
  EXPECT_TRUE(is_linearizable({put(1, 1), get(0, 2, 3), get(1, 4, 5)}));
  EXPECT_TRUE(is_linearizable({put(1, 1), get(0, 2)}));
  EXPECT_FALSE(is_linearizable({put(1, 1), get(1, 2, 3), get(0, 4, 5)}));
}

TEST(History, LooksAtEachKeyAlone) {
  EXPECT_TRUE(is_linearizable({put(1, 1, 2, 0), get(0, 3, 4, 1), get(1, 5, 6, 0)}));
  EXPECT_FALSE(is_linearizable({put(1, 1, 2, 0), put(2, 3, 4, 1), get(0, 5, 6, 1)}));
}

/// Tries all orders: too slow for long histories, and too simple to be wrong.
bool has_some_order(const std::vector<Operation>& history) {
  std::vector<std::size_t> order(history.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  const auto explains = [&] {
    int value = 0, latest_call = 0;
    for (const std::size_t i : order) {
      if (history[i].returned < latest_call) return false;
      latest_call = std::max(latest_call, history[i].invoked);
      if (history[i].is_put) value = history[i].value;
      if (!history[i].is_put && history[i].value != value) return false;
    }
    return true;
  };
  do {
    if (explains()) return true;
  } while (std::ranges::next_permutation(order).found);
  return false;
}

TEST(History, IsJudgedAsByAllOrders) {
  std::mt19937 random(1);
  const auto choose = [&](int count) {
    return static_cast<int>(random() % static_cast<unsigned>(count));
  };
  int good = 0;
  constexpr int histories = 3000, operations = 5;
  for (int i = 0; i < histories; ++i) {
    std::vector<int> moments(2 * operations);
    for (int j = 0; j < 2 * operations; ++j) moments[j] = j + 1;
    for (int j = 2 * operations; j > 1; --j) std::swap(moments[j - 1], moments[choose(j)]);
    std::vector<Operation> history;
    for (int j = 0; j < operations; ++j) {
      const auto [call, answer] = std::minmax(moments[2 * j], moments[2 * j + 1]);
      history.push_back({choose(2) == 0, 0, choose(3), call, answer});
    }
    const bool expected = has_some_order(history);
    good += expected ? 1 : 0;
    ASSERT_EQ(is_linearizable(history), expected) << i;
  }
  EXPECT_GT(good, histories / 10);
  EXPECT_LT(good, histories * 9 / 10);
}

}  // namespace
