/// Two threads of the executor, by the very functions of the program `thread_pool_executor`: primes,
/// beside two serial runs at once, the limit of what sharing out can reach here. Items are works.

#define main thread_pool_executor_main  // its page is a whole program
#include "thread_pool_executor.cpp"
#undef main

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
  const auto count_all = [] {
    for (int n = 1; n <= jobs; ++n) benchmark::DoNotOptimize(count_piece(n));
  };
  for (auto _ : state) {
    const std::jthread other(count_all);
    count_all();
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * 2);
}
BENCHMARK(two_serial_runs)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
