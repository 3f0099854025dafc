// Parallel reduce: many numbers become one, and the order of adding can change the result.
//
// Concept   A sum can be cut into pieces, each piece added by whoever is free, and the partial sums
//           joined. For whole numbers any cut is right. Floating-point numbers are rounded at each
//           step, so the cut shows in the result: it has to be the same for any number of threads.
// Shows     tbb::parallel_reduce, tbb::parallel_deterministic_reduce, tbb::task_arena
// Python    sum
// Run       parallel_reduce --numbers 1048576
// You see   1, 2, 4 threads: three sums with a piece for each, one and the same with fixed pieces
// Next      parallel_scan keeps every sum on the way; reduce does it over MPI ranks

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_arena.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Floats = std::vector<float>;

/// From left to right, on top of `sum`.
float add_up(const Floats& numbers, std::size_t first, std::size_t last, float sum = 0) {
  std::this_thread::sleep_for((last - first) * 24ns);  // plays harder work than adding
  return std::accumulate(numbers.begin() + first, numbers.begin() + last, sum);
}

/// Wrong on purpose: as many pieces as threads, so their number decides how it is rounded.
float add_piece_per_thread(const Floats& numbers, std::size_t threads) {
  Floats partial(threads);
  const auto first_of = [&](std::size_t piece) { return numbers.size() * piece / threads; };
  {
    std::vector<std::jthread> adding;
    for (std::size_t i = 0; i < threads; ++i) {
      adding.emplace_back([&, i, lane = pdc::Lane("of {}: thread {}", threads, i)] {
        const auto work = lane.work("piece {}", i);
        partial[i] = add_up(numbers, first_of(i), first_of(i + 1));
      });
    }
  }  // ~jthread joins here
  return add_up(partial, 0, threads);
}

/// Into eight pieces, whoever adds them.
float add_fixed_pieces(const Floats& numbers, std::size_t threads) {
  const std::size_t grain = numbers.size() / 8;  // what is larger is cut in two
  std::vector<pdc::Lane> lanes;
  for (std::size_t i = 0; i < threads; ++i)
    lanes.push_back(pdc::Lane("of {}: thread {}", threads, i));
  using Control = tbb::global_control;
  const Control more_than_cores(Control::max_allowed_parallelism, threads);  // if it has to be
  tbb::task_arena arena(static_cast<int>(threads));
  return arena.execute([&] {
    return tbb::parallel_deterministic_reduce(
        tbb::blocked_range<std::size_t>(0, numbers.size(), grain), 0.0F,
        [&](const auto& piece, float sum) {
          const auto work =
              lanes[tbb::this_task_arena::current_thread_index()].work("from {}", piece.begin());
          return add_up(numbers, piece.begin(), piece.end(), sum);
        },
        std::plus<>());
  });
}

/// With 1, 2 and 4 threads: returns the sums that came out, equal ones once.
std::set<float> add_with(float (*add)(const Floats&, std::size_t), const Floats& numbers) {
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

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 1 << 20, "numbers to add", {16, 8'000'000}}});
  const std::int64_t n = program.integer("numbers") / 16 * 16;  // all pieces are even
  Floats numbers(n, 1);
  numbers[0] = 1 << 24;  // from here on a float has no odd numbers: one more changes nothing

  const auto pieces =
      program.scene("a piece for each thread", add_with, add_piece_per_thread, numbers);
  const auto fixed = program.scene("fixed pieces", add_with, add_fixed_pieces, numbers);
  const std::int64_t whole = add_whole(n);

  const auto sum_of = [n](int cuts) {  // all ones of the first piece are lost
    return static_cast<float>((1 << 24) + n - n / cuts);
  };
  pdc::check(pieces == std::set{sum_of(1), sum_of(2), sum_of(4)},
             "with a piece for each thread, the sum depends on their number", "{} sums",
             pieces.size());
  pdc::check(fixed == std::set{sum_of(8)},
             "with fixed pieces, the sum is the same to the last bit with any number of threads",
             "{} sum", fixed.size());
  pdc::check(whole == n * (n + 1) / 2,
             "whole numbers add up to n (n + 1) / 2, however they are shared out", "{}", whole);
  return program.finish();
}
