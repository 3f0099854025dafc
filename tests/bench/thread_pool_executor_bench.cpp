// SPDX-License-Identifier: MIT
/// Jobs for a pool of threads, all submitted before the first result is asked for, as in the program
/// `thread_pool_executor`: primes, as many for each thread, beside as many serial runs at once, a
/// yardstick for what sharing out can reach here. Items are works, one for each thread.

#include "pdc/workload.hpp"

#include "copies.hpp"

#include <benchmark/benchmark.h>
#include <boost/asio.hpp>

#include <cstdint>
#include <future>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;

constexpr std::int64_t jobs = 50;  // as many numbers as the program `serial_parallel` has
constexpr std::int64_t piece = 20'000;

std::int64_t count_piece(std::int64_t job) {
  const std::int64_t first = job % jobs * piece;
  return pdc::count_primes(first, first + piece);
}

std::int64_t submit_first_ask_later(asio::thread_pool& pool) {
  std::vector<std::future<std::int64_t>> later;
  for (std::int64_t job = 0; job < workers() * jobs; ++job) {
    later.push_back(asio::post(pool, asio::use_future([job] { return count_piece(job); })));
  }
  std::int64_t primes = 0;
  for (std::future<std::int64_t>& future : later) primes += future.get();
  return primes;
}

void this_executor(benchmark::State& state) {
  asio::thread_pool pool(workers());
  for (auto _ : state) benchmark::DoNotOptimize(submit_first_ask_later(pool));
  state.SetItemsProcessed(state.iterations() * workers());
}
BENCHMARK(this_executor)->UseRealTime();

void serial_runs(benchmark::State& state) {
  run_copies<std::jthread>(state, [] {
    for (std::int64_t job = 0; job < jobs; ++job) benchmark::DoNotOptimize(count_piece(job));
  });
}
BENCHMARK(serial_runs)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
