// SPDX-License-Identifier: MIT
/// One request to the very manager of the program `manager`, there and back.

#define main manager_main  // its page is a whole program
#include "manager.cpp"
#undef main

#include <benchmark/benchmark.h>

namespace {

constexpr int requests = 2'000;  // in one iteration, so that starting the processes hardly counts

void one_request(benchmark::State& state) {
  for (auto _ : state) {
    run_manager(1, [](int manager, const pdc::Lane& lane) {
      for (int i = 0; i < requests; ++i) ask(manager, lane, "get", "counter");
    });
  }
  state.SetItemsProcessed(state.iterations() * requests);
}
BENCHMARK(one_request)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
