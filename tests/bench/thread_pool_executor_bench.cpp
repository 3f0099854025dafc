// SPDX-License-Identifier: MIT
/// Two threads of the executor, by the very functions of the program `thread_pool_executor`: primes,
/// beside two serial runs at once, a yardstick for what sharing out can reach here. Items are works.

#define main thread_pool_executor_main  // its page is a whole program
#include "thread_pool_executor.cpp"
#undef main

#include "two_copies.hpp"

#include <benchmark/benchmark.h>

namespace {

constexpr int jobs = 50;  // as many numbers as the program `serial_parallel` has

void this_executor(benchmark::State& state) {
  asio::thread_pool pool(2);
  for (auto _ : state) benchmark::DoNotOptimize(ask_at_the_end(pool, jobs, count_piece));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(this_executor)->UseRealTime();

void two_serial_runs(benchmark::State& state) {
  run_two_copies<std::jthread>(state, [] {
    for (int n = 1; n <= jobs; ++n) benchmark::DoNotOptimize(count_piece(n));
  });
}
BENCHMARK(two_serial_runs)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
