// SPDX-License-Identifier: MIT
/// What an empty task costs in the very pool of the program `thread_pool`.

#define main thread_pool_main  // its page is a whole program, and the pool is inside
#include "thread_pool.cpp"
#undef main

#include <benchmark/benchmark.h>

#include <future>
#include <vector>

namespace {

constexpr int threads = 2;
constexpr int tasks = 10'000;  // in one iteration, submitted by this thread, then waited for

void this_pool(benchmark::State& state) {
  Pool pool(threads);
  std::vector<std::future<int>> futures;
  for (auto _ : state) {
    futures.clear();
    for (int i = 0; i < tasks; ++i) futures.push_back(pool.submit([] { return 0; }));
    for (std::future<int>& future : futures) future.get();
  }
  state.SetItemsProcessed(state.iterations() * tasks);
}
BENCHMARK(this_pool)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
