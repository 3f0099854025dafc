// SPDX-License-Identifier: MIT
/// Two workers of the pools of the program `heavy_computation`, started and ended each time: the
/// same jobs, beside two serial runs at once, a yardstick for what sharing out can reach here. Items
/// are whole works.

#define main heavy_computation_main  // its page is a whole program
#include "heavy_computation.cpp"
#undef main

#include "two_copies.hpp"

#include <benchmark/benchmark.h>

namespace {

constexpr int jobs = 50;  // as many numbers as the program `serial_parallel` has

template <class Pool>
void this_pool(benchmark::State& state, Pool pool) {
  for (auto _ : state) benchmark::DoNotOptimize(pool(jobs, 2));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK_CAPTURE(this_pool, threads, by_threads)->UseRealTime();
BENCHMARK_CAPTURE(this_pool, processes, by_processes)->UseRealTime();

void two_serial_runs(benchmark::State& state) {
  run_two_copies<std::jthread>(state, [] { benchmark::DoNotOptimize(in_turn(jobs)); });
}
BENCHMARK(two_serial_runs)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
