// Parallel reduce: many numbers become one, and the order of adding can change the result.
//
// Concept   A sum can be cut into pieces, each piece added by whoever is free, and the partial sums
//           joined. For whole numbers any cut is right. Floating-point numbers are rounded at each
//           step, so the cut shows in the result: it has to be the same for any number of threads.
// Shows     tbb::parallel_reduce, tbb::parallel_deterministic_reduce, tbb::parallel_scan,
//           tbb::task_arena
// Python    sum, itertools.accumulate
// Run       parallel_reduce --numbers 1048576
// You see   1, 2, 4 threads: three sums with a piece for each, one and the same with fixed pieces
// Next      atomics adds to one shared number; reduce does it over MPI ranks

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/parallel_scan.h>
#include <oneapi/tbb/task_arena.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Range = tbb::blocked_range<std::size_t>;
using Floats = std::vector<float>;

/// From left to right, on top of `sum`.
float add_up(const Floats& numbers, std::size_t first, std::size_t last, float sum = 0) {
  return std::accumulate(numbers.begin() + first, numbers.begin() + last, sum);
}

float add_slowly(const Floats& numbers, std::size_t first, std::size_t last, float sum = 0) {
  const double share = static_cast<double>(last - first) / static_cast<double>(numbers.size());
  std::this_thread::sleep_for(share * 24ms);  // plays harder work than adding
  return add_up(numbers, first, last, sum);
}

/// Wrong on purpose: as many pieces as threads, so their number decides how it is rounded.
float add_piece_per_thread(const Floats& numbers, int threads) {
  const auto pieces = static_cast<std::size_t>(threads);
  Floats partial(pieces);
  {
    std::vector<std::jthread> adding;
    for (std::size_t i = 0; i < pieces; ++i) {
      adding.emplace_back([&, i, lane = pdc::Lane("of {}: thread {}", threads, i)] {
        const auto work = lane.work("piece {}", i);
        partial[i] =
            add_slowly(numbers, numbers.size() * i / pieces, numbers.size() * (i + 1) / pieces);
      });
    }
  }  // ~jthread joins here
  return add_up(partial, 0, pieces);
}

/// A piece is cut in two as long as it is larger than this, whoever adds it.
std::size_t grain(const Floats& numbers) {
  return numbers.size() / 8;
}

float add_fixed_pieces(const Floats& numbers, int threads) {
  std::vector<pdc::Lane> lanes;
  for (int i = 0; i < threads; ++i) lanes.push_back(pdc::Lane("of {}: thread {}", threads, i));
  const tbb::global_control allowed(
      tbb::global_control::max_allowed_parallelism,
      static_cast<std::size_t>(threads));  // also more than there are cores
  tbb::task_arena arena(threads);
  return arena.execute([&] {
    return tbb::parallel_deterministic_reduce(
        Range(0, numbers.size(), grain(numbers)), 0.0F,
        [&](const Range& piece, float sum) {
          const auto slot = static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
          const auto work = lanes[slot].work("from {}", piece.begin());
          return add_slowly(numbers, piece.begin(), piece.end(), sum);
        },
        std::plus<>());
  });
}

/// The same cuts by hand, one after the other: what the above has to give, to the last bit.
float add_halves(const Floats& numbers, std::size_t first, std::size_t last) {
  if (last - first <= grain(numbers)) return add_up(numbers, first, last);
  const std::size_t middle = first + (last - first) / 2;
  return add_halves(numbers, first, middle) + add_halves(numbers, middle, last);
}

/// Both ways with 1, 2 and 4 threads: returns the sums that came out, equal ones once.
std::set<float> add_with(float (*add)(const Floats&, int), const Floats& numbers) {
  std::set<float> sums;
  for (const int threads : {1, 2, 4}) {
    const float sum = add(numbers, threads);
    pdc::say("threads: {}, sum: {:.0f}", threads, sum);
    sums.insert(sum);
  }
  return sums;
}

std::int64_t add_whole(std::int64_t n) {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(1, n + 1), std::int64_t{0},
      [](const auto& piece, std::int64_t sum) {
        for (std::int64_t k = piece.begin(); k != piece.end(); ++k) sum += k;
        return sum;
      },
      std::plus<>());
}

/// Each number with all before it added: a second pass once the sums of the pieces are known.
std::vector<std::int64_t> add_running(std::size_t n) {
  std::vector<std::int64_t> sums(n);
  tbb::parallel_scan(
      Range(0, n), std::int64_t{0},
      [&](const Range& piece, std::int64_t sum, bool is_final) {
        for (std::size_t i = piece.begin(); i != piece.end(); ++i) {
          sum += static_cast<std::int64_t>(i) + 1;
          if (is_final) sums[i] = sum;
        }
        return sum;
      },
      std::plus<>());
  return sums;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 1 << 20, "numbers to add", {16, 8'000'000}}});
  const std::int64_t n = program.integer("numbers") / 8 * 8;  // so that all pieces are even
  Floats numbers(static_cast<std::size_t>(n), 1);
  numbers[0] =
      1 << 24;  // from here on a float has no odd numbers: to add a single 1 changes nothing

  const auto without =
      program.scene("a piece for each thread", add_with, add_piece_per_thread, numbers);
  const auto with = program.scene("fixed pieces", add_with, add_fixed_pieces, numbers);
  const std::int64_t whole = add_whole(n);
  const std::vector<std::int64_t> running = add_running(numbers.size());
  std::int64_t right = 0;
  for (std::int64_t k = 1; k <= n; ++k) {
    if (running[static_cast<std::size_t>(k) - 1] == k * (k + 1) / 2) ++right;
  }

  std::set<float> lossy;  // all ones of the first of 1, 2, 4 pieces are lost
  for (const int pieces : {1, 2, 4}) lossy.insert(static_cast<float>((1 << 24) + n - n / pieces));
  pdc::check(without == lossy && lossy.size() == 3,
             "with a piece for each thread, the sum depends on their number", "{} sums",
             without.size());
  pdc::check(with == std::set{add_halves(numbers, 0, numbers.size())},
             "with fixed pieces, all sums are the same to the last bit, as one thread adds them",
             "{} sum", with.size());
  pdc::check(whole == n * (n + 1) / 2,
             "whole numbers add up to n (n + 1) / 2, however they are shared out", "{}", whole);
  pdc::check(right == n, "every running sum of k numbers is k (k + 1) / 2", "{} of {}", right, n);
  return program.finish();
}
