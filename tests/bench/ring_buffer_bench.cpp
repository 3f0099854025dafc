// SPDX-License-Identifier: MIT
/// Items from one producer to one consumer, one at a time: the very ring of the page `ring_buffer`,
/// and Boost's, of the same size.

#define main ring_buffer_main  // its page is a whole program, and the ring is inside
#include "ring_buffer.cpp"
#undef main

#include <benchmark/benchmark.h>

#include <boost/lockfree/spsc_queue.hpp>

namespace {

constexpr int items = 200'000;  // in one iteration

// The rings are static: on the stack, a line of theirs could hold what the consumer writes besides.

/// Both sides look again as soon as they can. `push` and `pop` say whether they did.
void hand_over(benchmark::State& state, const auto& push, const auto& pop) {
  for (auto _ : state) {
    const std::jthread producer([push] {
      for (std::int64_t item = 0; item < items; ++item)
        while (!push(item)) std::this_thread::yield();
    });
    for (int taken = 0; taken < items; ++taken)
      while (!pop()) std::this_thread::yield();
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * items);
}

void this_ring(benchmark::State& state) {
  static Ring<std::int64_t, many> ring;
  hand_over(
      state, [&](std::int64_t item) { return ring.push(std::move(item), [] {}); },
      [&] {
        const std::optional<std::int64_t> item = ring.pop();
        benchmark::DoNotOptimize(item);
        return item.has_value();
      });
}
BENCHMARK(this_ring)->UseRealTime();

void boost_spsc_queue(benchmark::State& state) {
  static boost::lockfree::spsc_queue<std::int64_t, boost::lockfree::capacity<many>> queue;
  hand_over(
      state, [&](std::int64_t item) { return queue.push(item); },
      [&] {
        std::int64_t item = 0;
        const bool is_there = queue.pop(item);
        benchmark::DoNotOptimize(item);
        return is_there;
      });
}
BENCHMARK(boost_spsc_queue)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
