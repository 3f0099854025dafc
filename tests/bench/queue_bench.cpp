// SPDX-License-Identifier: MIT
/// Items from one producer to one consumer: oneTBB's queue with nothing around it, and taking all
/// there is at once.

#include <benchmark/benchmark.h>
#include <tbb/concurrent_queue.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int items = 20'000;  // in one iteration

void bare_bounded_queue(benchmark::State& state) {
  for (auto _ : state) {
    tbb::concurrent_bounded_queue<int> queue;
    const std::jthread producer([&] {
      for (int item = 0; item < items; ++item) queue.push(item);
    });
    for (int taken = 0, item = 0; taken < items; ++taken) {
      queue.pop(item);
      benchmark::DoNotOptimize(item);
    }
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * items);
}
BENCHMARK(bare_bounded_queue)->UseRealTime();

void taking_all_at_once(benchmark::State& state) {
  for (auto _ : state) {
    std::mutex mutex;
    std::condition_variable filled;
    std::vector<int> queue, taken;
    const std::jthread producer([&] {
      for (int item = 0; item < items; ++item) {
        const std::scoped_lock lock(mutex);
        queue.push_back(item);
        if (queue.size() == 1) filled.notify_one();  // else it has been woken already
      }
    });
    for (std::size_t got = 0; got < items; got += taken.size()) {
      taken.clear();
      std::unique_lock lock(mutex);
      filled.wait(lock, [&] { return !queue.empty(); });
      std::swap(queue, taken);
    }
  }
  state.SetItemsProcessed(state.iterations() * items);
}
BENCHMARK(taking_all_at_once)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
