// SPDX-License-Identifier: MIT
/// Compute-bound work that grows with the threads, shared out by oneTBB, beside as many independent
/// copies of the serial work at once: a yardstick for what sharing out can reach here. Items are
/// whole works, one for each thread.

#include <benchmark/benchmark.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>
#include <tbb/task_group.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

#include "copies.hpp"
#include "pdc/workload.hpp"

namespace {

template <class Work>
void copies(benchmark::State& state, Work work) {
  run_copies<std::jthread>(state, [&] { benchmark::DoNotOptimize(work()); });
}

template <class Work>
void shared_out(benchmark::State& state, Work work) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers());
  for (auto _ : state) benchmark::DoNotOptimize(work());
  state.SetItemsProcessed(state.iterations() * workers());
}

[[gnu::noipa]] std::int64_t fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

constexpr int cut_off = 24;  // for both, so that they call the same with the same

std::int64_t fibonacci_in_turn(int n) {
  return n < cut_off ? fibonacci(n) : fibonacci_in_turn(n - 1) + fibonacci_in_turn(n - 2);
}

std::int64_t fibonacci_by_tasks(int n) {
  if (n < cut_off) return fibonacci(n);
  std::int64_t first = 0;
  tbb::task_group group;
  group.run([&] { first = fibonacci_by_tasks(n - 1); });
  const std::int64_t second = fibonacci_by_tasks(n - 2);
  group.wait();
  return first + second;
}

std::int64_t fibonacci_for_each() {
  std::atomic<std::int64_t> sum = 0;
  tbb::task_group group;
  for (int i = 0; i < workers(); ++i) group.run([&] { sum += fibonacci_by_tasks(34); });
  group.wait();
  return sum;
}
BENCHMARK_CAPTURE(copies, fibonacci, [] { return fibonacci_in_turn(34); })->UseRealTime();
BENCHMARK_CAPTURE(shared_out, fibonacci, fibonacci_for_each)->UseRealTime();

constexpr std::int64_t below = 300'000;

/// All numbers below that, once for each thread.
std::int64_t reduce_primes() {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, workers() * below), std::int64_t{0},
      [](const auto& piece, std::int64_t sum) {
        for (std::int64_t number = piece.begin(); number < piece.end(); ++number)
          sum += pdc::is_prime(number % below) ? 1 : 0;
        return sum;
      },
      std::plus<>());
}
BENCHMARK_CAPTURE(copies, primes, [] { return pdc::count_primes(0, below); })->UseRealTime();
BENCHMARK_CAPTURE(shared_out, primes, reduce_primes)->UseRealTime();

constexpr pdc::MandelbrotView view;

/// Rows of the image, which begins anew below its end.
std::int64_t draw_rows(std::int64_t first, std::int64_t end) {
  std::vector<pdc::MandelbrotPixel> row(view.width);
  std::int64_t sum = 0;
  for (std::int64_t y = first; y < end; ++y) {
    pdc::mandelbrot_row(view, static_cast<int>(y % view.height), row);
    sum += row.front().iterations;
  }
  return sum;
}

std::int64_t draw_for_each() {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, workers() * view.height), std::int64_t{0},
      [](const auto& rows, std::int64_t sum) { return sum + draw_rows(rows.begin(), rows.end()); },
      std::plus<>());
}
BENCHMARK_CAPTURE(copies, mandelbrot, [] { return draw_rows(0, view.height); })->UseRealTime();
BENCHMARK_CAPTURE(shared_out, mandelbrot, draw_for_each)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
