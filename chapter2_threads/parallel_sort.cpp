// Parallel sort: sort both halves at the same time, and merge them when both are sorted.
//
// Concept   A merge sort sorts two halves, which have nothing to do with each other, and merges
//           them. So the halves can be two tasks, and their halves, too, as far down as it pays. A
//           merge has to wait for both of its halves. A sort that keeps items with equal keys in
//           their order is called stable.
// Shows     tbb::parallel_invoke, tbb::parallel_sort, std::sort with std::execution::par
// Python    sorted
// Run       parallel_sort --items 262144 --threads 4
// You see   one merge that is too early; one thread alone; merges that wait for both their halves
// Next      pipeline has stages in place of halves; fibonacci is a fork and join without data

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <tbb/global_control.h>
#include <tbb/parallel_invoke.h>
#include <tbb/parallel_sort.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <execution>
#include <latch>
#include <random>
#include <span>
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
  std::vector<pdc::Lane> lanes;
  std::atomic<int> merges = 0, too_early = 0;

  const pdc::Lane& lane() const { return lanes[tbb::this_task_arena::current_thread_index()]; }
  void look_at_halves(Items items, std::size_t middle) {
    if (!pdc::recording()) return;  // ./pdc bench times it: nobody looks
    ++merges;
    const auto is_sorted = [](Items half) { return std::ranges::is_sorted(half, is_before); };
    if (is_sorted(items.first(middle)) && is_sorted(items.subspan(middle))) return;
    ++too_early;
    pdc::fault("merged too early");
  }
};

/// In place, with room for the left half. Of equal items, those of the left half come first.
void merge(Items items, std::size_t middle, Items room, Watch& watch) {
  watch.look_at_halves(items, middle);
  const auto work = watch.lane().work("merges {}", items.size());
  const Items left = room.first(middle);
  std::ranges::copy(items.first(middle), left.begin());
  std::size_t to = 0, right = middle;
  for (const Item& item : left) {
    for (; right < items.size() && is_before(items[right], item); ++right) {
      items[to] = items[right];
      ++to;
    }
    items[to] = item;
    ++to;
  }  // the rest of the right half is in its place already
}

void sort_one(Items items, const Watch& watch) {
  const auto work = watch.lane().work("sorts {}", items.size());
  std::ranges::stable_sort(items, is_before);
}

constexpr std::size_t worth_a_task = 1 << 14;

/// Right, and stable. Requires: room for as many items.
void merge_sort(Items items, Items room, Watch& watch) {
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
constexpr Sort on_one_thread = [](Items items, Items, Watch& watch) { sort_one(items, watch); };
constexpr Sort by_tbb = [](Items items, Items, Watch&) {
  tbb::parallel_sort(items.begin(), items.end(), is_before);
};
constexpr Sort by_policy = [](Items items, Items, Watch&) {
  std::sort(std::execution::par, items.begin(), items.end(), is_before);
};

struct Seen {
  int merges, too_early;
  std::int64_t descents = 0, swaps = 0;  // neighbours with a falling key; equal ones out of order
  std::uint64_t hashes = 0;  // their sum: another one if an item is lost, or there twice
};

Seen look_at(const std::vector<Item>& items, const Watch& watch) {
  Seen seen{watch.merges, watch.too_early};
  Item before{};
  for (const Item& item : items) {
    if (is_before(item, before)) ++seen.descents;
    if (item.key == before.key && item.place < before.place) ++seen.swaps;
    const std::uint64_t hash = (std::uint64_t{item.key} << 32 | item.place) * 0x9e3779b97f4a7c15;
    seen.hashes += hash ^ hash >> 32;
    before = item;
  }
  return seen;
}

Seen sort_with(Sort sort, std::vector<Item> items, int threads) {
  Watch watch;
  for (int i = 0; i < threads; ++i) watch.lanes.push_back(pdc::Lane("thread {}", i));
  std::vector<Item> room(items.size());
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena(threads).execute([&] { sort(items, room, watch); });
  return look_at(items, watch);
}

std::vector<Item> shuffle(std::size_t n) {
  std::vector<Item> items(n);
  std::minstd_rand random;
  for (std::size_t i = 0; i < n; ++i)
    items[i] = {static_cast<std::uint32_t>(random() % 10'000), static_cast<std::uint32_t>(i)};
  return items;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"items", 1 << 18, "items to sort", {1 << 16, 1 << 21}},
                        {"threads", 4, "threads that sort", {2, 64}}});
  const int n = program.integer("threads");
  const std::vector<Item> input = shuffle(program.integer("items"));

  const Seen early = program.scene("merged at once", sort_with, merge_at_once, input, n);
  const Seen one =
      program.scene("std::stable_sort, one thread", sort_with, on_one_thread, input, n);
  const Seen own = program.scene("merged when both are sorted", sort_with, merge_sort, input, n);
  const std::array sorts{one, own, sort_with(by_tbb, input, n), sort_with(by_policy, input, n)};

  pdc::check(early.too_early == 1 && early.descents > 0,
             "merged before its left half is sorted, the whole is not sorted",
             "{} keys are lower than the one before", early.descents);
  pdc::check(own.merges > 0 && own.too_early == 0,
             "with tbb::parallel_invoke, both halves are sorted before each merge",
             "{} of {} times", own.merges - own.too_early, own.merges);
  pdc::check(std::ranges::all_of(sorts, [](const Seen& seen) { return seen.descents == 0; }),
             "each of the four sorts puts the keys into ascending order");
  const std::uint64_t all = look_at(input, {}).hashes;
  pdc::check(std::ranges::all_of(sorts, [&](const Seen& seen) { return seen.hashes == all; }),
             "each of them keeps every item, by the sum of their hashes");
  pdc::check(one.swaps == 0 && own.swaps == 0,
             "std::stable_sort and the merge sort keep items with equal keys in their order",
             "{} and {} changed places", one.swaps, own.swaps);
  return program.finish();
}
