// SPDX-License-Identifier: MIT
/// One crossing of a barrier: std::barrier, beside the system's own. The argument is the threads.

#include <benchmark/benchmark.h>
#include <pthread.h>

#include <barrier>
#include <thread>
#include <vector>

namespace {

constexpr int crossings = 10'000;  // in one iteration, so that starting the threads hardly counts

/// All threads of the argument, this one among them, cross that often.
template <class Cross>
void cross_together(benchmark::State& state, Cross cross) {
  const auto cross_all = [&] {
    for (int i = 0; i < crossings; ++i) cross();
  };
  for (auto _ : state) {
    std::vector<std::jthread> others;
    for (int i = 1; i < state.range(0); ++i) others.emplace_back(cross_all);
    cross_all();
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * crossings);
}

void std_barrier(benchmark::State& state) {
  std::barrier line(state.range(0));
  cross_together(state, [&] { line.arrive_and_wait(); });
}
BENCHMARK(std_barrier)->Arg(2)->Arg(4)->UseRealTime();

void bare_pthread_barrier(benchmark::State& state) {
  pthread_barrier_t line{};
  pthread_barrier_init(&line, nullptr, static_cast<unsigned>(state.range(0)));
  cross_together(state, [&] { pthread_barrier_wait(&line); });
  pthread_barrier_destroy(&line);
}
BENCHMARK(bare_pthread_barrier)->Arg(2)->Arg(4)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
