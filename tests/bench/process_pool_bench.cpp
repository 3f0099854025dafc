// SPDX-License-Identifier: MIT
/// The very pool of the program `process_pool`: primes, as many for each worker, beside as many serial
/// runs at once, a yardstick for what sharing out can reach here (items are whole works, one for each
/// worker); and empty tasks of two workers.

#include "copies.hpp"
#include "process_pool.hpp"

#include <benchmark/benchmark.h>

#include "pdc/workload.hpp"

namespace {

constexpr int pieces = 50, piece = 20'000;  // as many numbers as the program `serial_parallel` has

std::int64_t count_piece(std::int64_t n) {
  const std::int64_t first = (n - 1) % pieces * piece;
  return pdc::count_primes(first, first + piece);
}

void this_pool(benchmark::State& state) {
  Pool pool(workers(), 1, [](std::int64_t n, const pdc::Lane&) { return count_piece(n); });
  for (auto _ : state) benchmark::DoNotOptimize(pool.map(workers() * pieces));
  state.SetItemsProcessed(state.iterations() * workers());
}
BENCHMARK(this_pool)->UseRealTime();

void serial_runs(benchmark::State& state) {
  run_copies<pdc::Child>(state, [] {
    for (int n = 1; n <= pieces; ++n) benchmark::DoNotOptimize(count_piece(n));
  });
}
BENCHMARK(serial_runs)->UseRealTime();

constexpr int tasks = 2000;

void empty_task(benchmark::State& state) {
  Pool pool(2, 1, [](std::int64_t n, const pdc::Lane&) { return n; });
  for (auto _ : state) benchmark::DoNotOptimize(pool.map(tasks));
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(empty_task)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
