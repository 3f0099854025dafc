// Data parallelism: one operation on all elements, shared out by a library.
//
// Concept   When every element is treated alike, the elements themselves can be shared out: name
//           the operation, and a library cuts the data into blocks and finds threads for them.
// Shows     std::reduce, std::execution::par_unseq, tbb::parallel_for, tbb::parallel_reduce
// Python    numpy: x.sum(), y += a * x
// Run       data_parallelism --elements 5000000
// You see   who took which blocks, the same results to the last bit, and what each way gains
// Next      memory_bandwidth says why threads gain so little here; task_parallelism shares out
//           operations instead

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_arena.h>

#include <array>
#include <atomic>
#include <execution>
#include <functional>
#include <numeric>
#include <span>
#include <vector>

namespace {

/// Whole numbers, of which every order of adding gives the same bits.
using Numbers = std::span<const double>;

constexpr double a = 3;

/// Each addition waits for the one before.
double sum_one_by_one(Numbers x) {
  return std::accumulate(x.begin(), x.end(), 0.0);
}

/// Four sums at a time that do not wait for each other; the compiler may use vector instructions.
double sum_four_by_four(Numbers x) {
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k];
  }
  for (; i < x.size(); ++i) sums[0] += x[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// In any order, on any thread, several in one instruction.
double sum_parallel(Numbers x) {
  return std::reduce(std::execution::par_unseq, x.begin(), x.end(), 0.0);
}

/// Both: blocks for the threads, and four sums at a time in each.
double sum_blocks(Numbers x) {
  const auto add_block = [&](const auto& block, double sum) {
    return sum + sum_four_by_four(x.subspan(block.begin(), block.size()));
  };
  return tbb::parallel_reduce(tbb::blocked_range<std::size_t>(0, x.size(), 1 << 16), 0.0, add_block,
                              std::plus{});
}

void add_scaled(Numbers x, std::span<double> y, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) y[i] += a * x[i];
}

void add_scaled_parallel(Numbers x, std::span<double> y) {
  std::vector<pdc::Lane> lanes;  // one for each thread that oneTBB may use
  for (int i = 0; i < tbb::this_task_arena::max_concurrency(); ++i)
    lanes.push_back(pdc::Lane("thread {}", i));
  const tbb::blocked_range<std::size_t> all(0, x.size(), x.size() / 16 + 1);  // larger ones are cut
  tbb::parallel_for(all, [&](const auto& block) {
    const int thread = tbb::this_task_arena::current_thread_index();
    const auto work = lanes[thread].work("{} to {}", block.begin(), block.end());
    add_scaled(x, y, block.begin(), block.end());
  });
}

/// By all four ways.
std::array<double, 4> sum_four_ways(Numbers x) {
  const pdc::Lane main("main");
  const auto sum = [&](const char* way, auto add_up) {
    const auto work = main.work("{}", way);
    return add_up(x);
  };
  return {sum("one by one", sum_one_by_one), sum("four by four", sum_four_by_four),
          sum("par_unseq", sum_parallel), sum("blocks", sum_blocks)};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"elements", 5'000'000, "elements of each vector", {1, 8'000'000}}});
  const int elements = program.integer("elements");
  std::vector<double> x(elements), y(elements, 1.0);
  std::iota(x.begin(), x.end(), 1.0);

  const auto [one_by_one, four_by_four, parallel, blocks] =
      program.scene("the sum of all", sum_four_ways, x);
  program.scene("a*x + y", add_scaled_parallel, x, y);
  const int threads = tbb::this_task_arena::max_concurrency();
  std::atomic<double> sum = 0;  // so that no compiler leaves the work out
  pdc::say_speedup(program, {{"one by one", 1, [&] { sum += sum_one_by_one(x); }},
                             {"four by four", 1, [&] { sum += sum_four_by_four(x); }},
                             {"par_unseq", threads, [&] { sum += sum_parallel(x); }},
                             {"blocks", threads, [&] { sum += sum_blocks(x); }}});

  const double expected = 0.5 * elements * (elements + 1.0);
  int right = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    if (y[i] == a * x[i] + 1) ++right;
  }
  pdc::check(one_by_one == expected, "the sum one by one is that of the closed form", "{}",
             one_by_one);
  pdc::check(four_by_four == expected, "the sum four by four has the same bits", "{}",
             four_by_four);
  pdc::check(parallel == expected && blocks == expected,
             "both parallel sums have the same bits, in whatever order they add", "{}", parallel);
  pdc::check(right == elements, "each element of y is treated once", "{} of {}", right, elements);
  return program.finish();
}
