// SPDX-License-Identifier: MIT
/// A child computes a vector and sends it by pipe: as in the page.

#define main separate_memory_main  // its page is a whole program
#include "separate_memory.cpp"
#undef main

#include <benchmark/benchmark.h>

namespace {

constexpr std::size_t numbers = 500;

void results_sent(benchmark::State& state) {
  for (auto _ : state) {
    if (send_results(numbers) != numbers) return state.SkipWithError("wrong results");
  }
}
BENCHMARK(results_sent)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
