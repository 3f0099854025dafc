// SPDX-License-Identifier: MIT
/// Two children compute a sum and a vector, and send them by pipe: as in the page.

#define main separate_memory_main  // its page is a whole program
#include "separate_memory.cpp"
#undef main

#include <benchmark/benchmark.h>

namespace {

constexpr int numbers = 500;  // the most that a pipe takes in one piece

void results_sent(benchmark::State& state) {
  for (auto _ : state) {
    if (compute(numbers, true) != numbers + 1) return state.SkipWithError("wrong results");
  }
}
BENCHMARK(results_sent)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
