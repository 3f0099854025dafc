// Parallel sort: sort both halves at the same time, and merge them when both are sorted.
//
// Concept   A merge sort sorts two halves, which have nothing to do with each other: they can be
//           two tasks, and their halves as well, as far down as it pays. A merge has to wait for
//           both. A sort that keeps items with equal keys in their order is called stable.
// Shows     tbb::parallel_invoke, tbb::parallel_sort, std::sort with std::execution::par
// Python    sorted
// Run       parallel_sort --items 262144 --threads 4
// You see   one merge that is too early, and then merges that wait for both their halves
// Next      pipeline has stages in place of halves; fibonacci is a fork and join without data

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/parallel_sort.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <execution>
#include <latch>
#include <random>
#include <span>
#include <utility>
#include <vector>

namespace {

struct Item {
  std::uint32_t key;
  std::uint32_t place;  // in the input, so that items with equal keys can be told apart
};
using Items = std::span<Item>;

bool is_before(const Item& a, const Item& b) {
  return a.key < b.key;
}

/// Who does what, and whether it is too early.
struct Watch {
  std::vector<pdc::Lane> lanes = {};
  std::atomic<int> too_early = 0;

  const pdc::Lane& lane() const { return lanes[tbb::this_task_arena::current_thread_index()]; }
  void look_at_halves(Items left, Items right) {
    if (!pdc::recording()) return;  // ./pdc bench times it: nobody looks
    if (std::ranges::is_sorted(left, is_before) && std::ranges::is_sorted(right, is_before)) return;
    ++too_early;
    pdc::fault("merged too early");
  }
};

/// With room for a copy. Of equal items, those of the left half come first.
void merge(Items items, std::size_t middle, Items room, Watch& watch) {
  std::ranges::copy(items, room.begin());
  Items left = room.first(middle), right = room.subspan(middle, items.size() - middle);
  watch.look_at_halves(left, right);
  const auto work = watch.lane().work("merges {}", items.size());
  for (Item& item : items) {
    Items& from = left.empty() || (!right.empty() && is_before(right[0], left[0])) ? right : left;
    item = from[0];
    from = from.subspan(1);
  }
}

void sort_one(Items items, const Watch& watch) {
  const auto work = watch.lane().work("sorts {}", items.size());
  std::ranges::stable_sort(items, is_before);
}

/// Right, and stable. Requires: room for as many items.
void merge_sort(Items items, Items room, Watch& watch) {
  constexpr std::size_t worth_a_task = 1 << 14;
  if (items.size() <= worth_a_task) return sort_one(items, watch);
  const std::size_t middle = items.size() / 2;
  tbb::parallel_invoke([&] { merge_sort(items.first(middle), room.first(middle), watch); },
                       [&] { merge_sort(items.subspan(middle), room.subspan(middle), watch); });
  merge(items, middle, room, watch);  // both have returned
}

/// Wrong on purpose: waits for the left half when it is too late.
void merge_at_once(Items items, Items room, Watch& watch) {
  const std::size_t middle = items.size() / 2;
  std::latch merged(1);
  tbb::task_group left_half;
  left_half.run([&] {
    merged.wait();  // forced: this half is not sorted yet when it is merged
    sort_one(items.first(middle), watch);
  });
  sort_one(items.subspan(middle), watch);
  merge(items, middle, room, watch);
  merged.count_down();
  left_half.wait();
}

using Sort = void (*)(Items items, Items room, Watch&);
constexpr Sort by_tbb = [](Items items, Items, Watch&) {
  tbb::parallel_sort(items.begin(), items.end(), is_before);
};
constexpr Sort by_policy = [](Items items, Items, Watch&) {
  std::sort(std::execution::par, items.begin(), items.end(), is_before);
};

/// Returns the sorted items, and how many merges came too early.
std::pair<std::vector<Item>, int> sort_with(Sort sort, std::vector<Item> items, int threads) {
  Watch watch;
  for (int i = 0; i < threads; ++i) watch.lanes.push_back(pdc::Lane("thread {}", i));
  std::vector<Item> room(items.size());
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena(threads).execute([&] { sort(items, room, watch); });
  return {items, watch.too_early};
}

std::vector<Item> shuffle(std::uint32_t n) {
  std::vector<Item> items;
  std::minstd_rand random;
  for (std::uint32_t place = 0; place < n; ++place)
    items.push_back({static_cast<std::uint32_t>(random() % 10'000), place});
  return items;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"items", 1 << 18, "items to sort", {1 << 16, 1 << 21}},
                        {"threads", 4, "threads that sort", {2, 64}}});
  const int n = program.integer("threads");
  const std::vector<Item> input = shuffle(program.integer("items"));
  std::vector<Item> expected = input;
  std::ranges::stable_sort(expected, is_before);
  const auto [torn, early] = program.scene("merged at once", sort_with, merge_at_once, input, n);
  const auto [own, rushed] = program.scene("merged when sorted", sort_with, merge_sort, input, n);
  pdc::check(early == 1 && !std::ranges::is_sorted(torn, is_before),
             "merged before its left half is sorted, the whole is not sorted");
  pdc::check(rushed == 0, "with tbb::parallel_invoke, both halves are sorted before each merge",
             "{} merges too early", rushed);
  const auto equals = [&](const std::vector<Item>& items, auto member) {
    return std::ranges::equal(items, expected, {}, member, member);
  };
  pdc::check(equals(own, &Item::place), "then each item is where std::stable_sort puts it");
  pdc::check(equals(sort_with(by_tbb, input, n).first, &Item::key) &&
                 equals(sort_with(by_policy, input, n).first, &Item::key),
             "tbb::parallel_sort and std::sort put the keys into the same order");
  return program.finish();
}
