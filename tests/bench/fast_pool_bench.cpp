// SPDX-License-Identifier: MIT
/// What an empty task costs: the very pool of the program `fast_pool`, oneTBB's and Asio's; with the
/// allocations of each.

#define main fast_pool_main  // its page is a whole program, and the pool is inside
#include "fast_pool.cpp"
#undef main

#include <benchmark/benchmark.h>
#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <latch>
#include <vector>

#include "allocations.hpp"

namespace {

using bench::allocations;

constexpr int threads = 2;
constexpr int tasks = 10'000;  // in one iteration, submitted by this thread, then waited for

/// Times `run_all`, which does all tasks; one round before does not count.
template <class RunAll>
void time_tasks(benchmark::State& state, RunAll run_all) {
  run_all();
  const std::int64_t before = allocations;
  for (auto _ : state) run_all();
  const auto done = static_cast<double>(state.iterations() * tasks);
  state.SetItemsProcessed(state.iterations() * tasks);
  state.counters["allocations_per_task"] = static_cast<double>(allocations - before) / done;
  state.counters["tasks"] = done;
}

void this_pool(benchmark::State& state) {
  Pool pool;
  pool.start(threads);
  std::vector<std::shared_ptr<Future<int>>> futures;
  time_tasks(state, [&] {
    futures.clear();
    for (int i = 0; i < tasks; ++i) futures.push_back(pool.submit([] { return 0; }));
    for (const auto& future : futures) future->get();
  });
}
BENCHMARK(this_pool)->UseRealTime();

void tbb_task_group(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(threads);
  time_tasks(state, [&] {
    arena.execute([] {
      tbb::task_group group;
      for (int i = 0; i < tasks; ++i) group.run([] {});
      group.wait();
    });
  });
}
BENCHMARK(tbb_task_group)->UseRealTime();

void asio_thread_pool(benchmark::State& state) {
  boost::asio::thread_pool pool(threads);
  time_tasks(state, [&] {
    std::latch done(tasks);
    for (int i = 0; i < tasks; ++i) boost::asio::post(pool, [&] { done.count_down(); });
    done.wait();
  });
}
BENCHMARK(asio_thread_pool)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
