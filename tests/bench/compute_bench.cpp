// SPDX-License-Identifier: MIT
/// Compute-bound work shared out by oneTBB to two threads, beside two independent copies of the
/// serial work at once: a yardstick for what sharing out can reach here. Items are whole works.

#include <benchmark/benchmark.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_reduce.h>
#include <oneapi/tbb/task_group.h>

#include <cstdint>
#include <functional>
#include <thread>

#include "pdc/workload.hpp"
#include "two_copies.hpp"

namespace {

constexpr std::size_t workers = 2;

template <class Work>
void two_copies(benchmark::State& state, Work work) {
  run_two_copies<std::jthread>(state, [&] { benchmark::DoNotOptimize(work()); });
}

template <class Work>
void shared_out(benchmark::State& state, Work work) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  for (auto _ : state) benchmark::DoNotOptimize(work());
  state.SetItemsProcessed(state.iterations());
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
BENCHMARK_CAPTURE(two_copies, fibonacci, [] { return fibonacci_in_turn(34); })->UseRealTime();
BENCHMARK_CAPTURE(shared_out, fibonacci, [] { return fibonacci_by_tasks(34); })->UseRealTime();

constexpr std::int64_t below = 300'000;

std::int64_t reduce_primes() {
  return tbb::parallel_reduce(
      tbb::blocked_range<std::int64_t>(0, below), std::int64_t{0},
      [](const auto& piece, std::int64_t sum) {
        return sum + pdc::count_primes(piece.begin(), piece.end());
      },
      std::plus<>());
}
BENCHMARK_CAPTURE(two_copies, primes, [] { return pdc::count_primes(0, below); })->UseRealTime();
BENCHMARK_CAPTURE(shared_out, primes, reduce_primes)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
