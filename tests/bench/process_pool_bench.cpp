// SPDX-License-Identifier: MIT
/// Two workers of the very pool of the program `process_pool`: primes, beside two serial runs at
/// once, a yardstick for what sharing out can reach here (items are whole works); and empty tasks.

#include "process_pool.hpp"
#include "two_copies.hpp"

#include <benchmark/benchmark.h>

#include "pdc/workload.hpp"

namespace {

constexpr int pieces = 50, piece = 20'000;  // as many numbers as the program `serial_parallel` has

std::int64_t count_piece(std::int64_t n) {
  return pdc::count_primes((n - 1) * piece, n * piece);
}

void this_pool(benchmark::State& state) {
  Pool pool(2, 1, [](std::int64_t n, const pdc::Lane&) { return count_piece(n); });
  for (auto _ : state) benchmark::DoNotOptimize(pool.map(pieces));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(this_pool)->UseRealTime();

void two_serial_runs(benchmark::State& state) {
  run_two_copies<pdc::Child>(state, [] {
    for (int n = 1; n <= pieces; ++n) benchmark::DoNotOptimize(count_piece(n));
  });
}
BENCHMARK(two_serial_runs)->UseRealTime();

constexpr int tasks = 2000;

void empty_task(benchmark::State& state) {
  Pool pool(2, 1, [](std::int64_t n, const pdc::Lane&) { return n; });
  for (auto _ : state) benchmark::DoNotOptimize(pool.map(tasks));
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(empty_task)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
