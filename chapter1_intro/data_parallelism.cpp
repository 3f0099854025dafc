// Data parallelism: one operation on all elements, shared out by a library.
//
// Concept   When every element is treated alike, the elements themselves can be shared out: name
//           the operation, and a library cuts the data into blocks and finds threads for them.
//           Simple operations wait for memory, not for the cores: a second thread then may gain
//           little.
// Shows     std::transform_reduce, std::execution::par_unseq, tbb::parallel_for,
//           tbb::parallel_reduce, madvise
// Python    numpy: x.sum(), y += a * x
// Run       data_parallelism --elements 5000000
// You see   who took which blocks, the same results to the last bit, and GB/s beside a plain copy
// Next      task_parallelism shares out operations instead; flynn puts several elements into one
//           instruction

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <sys/mman.h>
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <execution>
#include <functional>
#include <new>
#include <numeric>
#include <span>
#include <type_traits>
#include <vector>

namespace {

/// Memory in huge pages, if the system has them: fewer addresses to look up. And not cleared first:
/// whoever writes to a page gets it, so that many threads can do that at once.
template <class T>
struct HugePages {
  static_assert(std::is_trivially_copyable_v<T>, "its memory is not cleared, so nothing is begun");
  using value_type = T;
  HugePages() = default;
  template <class Other>
  explicit HugePages(const HugePages<Other>&) {}
  T* allocate(std::size_t n) {
    constexpr std::size_t page = 2 << 20;
    const std::size_t bytes = (n * sizeof(T) + page - 1) / page * page;
    void* const memory = std::aligned_alloc(page, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    madvise(memory, bytes, MADV_HUGEPAGE);  // advice: without them it is slower, not wrong
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) { std::free(memory); }
  void construct(T*) {}
  void construct(T* place, T value) { *place = value; }
  bool operator==(const HugePages&) const = default;
};

/// Of whole numbers: every order of adding gives the same bits.
using Vector = std::vector<double, HugePages<double>>;

constexpr double a = 3;

/// Each addition waits for the one before.
double sum_one_by_one(const Vector& x) {
  return std::accumulate(x.begin(), x.end(), 0.0);
}

/// Four sums at a time that do not wait for each other; the compiler may use vector instructions.
double sum_four_by_four(std::span<const double> x) {
  double sums[4] = {};
  std::size_t i = 0;
  for (; i + 4 <= x.size(); i += 4) {
    for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k];
  }
  for (; i < x.size(); ++i) sums[0] += x[i];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/// In any order, on any thread, several in one instruction.
double sum_parallel(const Vector& x) {
  return std::reduce(std::execution::par_unseq, x.begin(), x.end(), 0.0);
}

/// Both: blocks for the threads, and four sums at a time in each.
double sum_blocks(const Vector& x) {
  const auto add_block = [&](const auto& block, double sum) {
    return sum + sum_four_by_four(std::span(x).subspan(block.begin(), block.size()));
  };
  return tbb::parallel_reduce(tbb::blocked_range<std::size_t>(0, x.size(), 1 << 16), 0.0, add_block,
                              std::plus{});
}

void add_scaled(const Vector& x, Vector& y, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) y[i] += a * x[i];
}

void add_scaled_parallel(const Vector& x, Vector& y) {
  std::vector<pdc::Lane> lanes;  // one for each thread that oneTBB may use
  for (int i = 0; i < tbb::this_task_arena::max_concurrency(); ++i)
    lanes.push_back(pdc::Lane("thread {}", i));
  const std::size_t largest = x.size() / 16 + 1;  // larger blocks are cut
  const tbb::blocked_range<std::size_t> all(0, x.size(), largest);
  tbb::parallel_for(all, [&](const auto& block) {
    const auto thread = static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
    const auto work = lanes[thread].work("{} to {}", block.begin(), block.end());
    add_scaled(x, y, block.begin(), block.end());
  });
}

/// Into a vector that nobody has touched yet.
double copy_parallel(const Vector& x) {
  Vector fresh(x.size());
  tbb::parallel_for(tbb::blocked_range<std::size_t>(0, x.size(), 1 << 18), [&](const auto& block) {
    for (std::size_t i = block.begin(); i < block.end(); ++i) fresh[i] = x[i];
  });
  return fresh.back();
}

/// By all four ways.
std::array<double, 4> sum_four_ways(const Vector& x) {
  const pdc::Lane main("main");
  const auto sum = [&](const char* way, auto add_up) {
    const auto work = main.work("{}", way);
    return add_up(x);
  };
  return {sum("one by one", sum_one_by_one), sum("four by four", sum_four_by_four),
          sum("par_unseq", sum_parallel), sum("blocks", sum_blocks)};
}

/// How many bytes a second each way moves, read and written, as the operation needs them.
void say_bandwidth(pdc::Program& program, const Vector& x) {
  Vector y = x;
  double sink = 0;
  const int threads = tbb::this_task_arena::max_concurrency();
  const std::vector<pdc::Variant> ways = {
      {"copy", 1, [&] { std::copy(x.begin(), x.end(), y.begin()); }},
      {"copy, fresh", 1, [&] { sink += std::vector<double>(x.begin(), x.end()).back(); }},
      {"fresh, huge", threads, [&] { sink += copy_parallel(x); }},
      {"sum by 1", 1, [&] { sink += sum_one_by_one(x); }},
      {"sum by 4", 1, [&] { sink += sum_four_by_four(x); }},
      {"sum par", threads, [&] { sink += sum_parallel(x); }},
      {"sum blocks", threads, [&] { sink += sum_blocks(x); }},
      {"a*x+y", 1, [&] { add_scaled(x, y, 0, x.size()); }},
      {"a*x+y par", threads, [&] { add_scaled_parallel(x, y); }}};
  const double vectors_moved[] = {2, 2, 2, 1, 1, 1, 1, 3, 3};
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(ways);
  pdc::say("\nhow fast the memory is used");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const double bytes = vectors_moved[i] * sizeof(double) * static_cast<double>(x.size());
    const auto& [median, lowest, highest] = timings[i];
    pdc::say("  {:<12}{:>6.1f} GB/s  ({:.1f} to {:.1f})", ways[i].name, bytes / median / 1e9,
             bytes / highest / 1e9, bytes / lowest / 1e9);
    program.report(ways[i].name, bytes / median / 1e9, "GB/s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"elements", 5'000'000, "elements of each vector", {1, 8'000'000}}});
  const int elements = program.integer("elements");
  Vector x(static_cast<std::size_t>(elements));
  std::iota(x.begin(), x.end(), 1.0);
  Vector y(x.size(), 1.0);

  const auto [one_by_one, four_by_four, parallel, blocks] =
      program.scene("the sum of all", sum_four_ways, x);
  program.scene("a*x + y", add_scaled_parallel, x, y);
  say_bandwidth(program, x);

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
