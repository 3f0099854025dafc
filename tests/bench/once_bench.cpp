// SPDX-License-Identifier: MIT
/// Taking what is made already, by two threads at once: the three right ways of the page `once`.

#define main once_main  // its page is a whole program, and the ways are inside
#include "once.cpp"
#undef main

#include <benchmark/benchmark.h>

namespace {

Site site(2, 0);

template <Table (*get)(Site&, const Make&)>
void take(benchmark::State& state) {
  const Make make = [] { return Table{1}; };
  for (auto _ : state) benchmark::DoNotOptimize(get(site, make));
}
BENCHMARK(take<get_double_checked>)->Name("double_checked")->Threads(2)->UseRealTime();
BENCHMARK(take<get_by_call_once>)->Name("call_once")->Threads(2)->UseRealTime();
BENCHMARK(take<get_static>)->Name("static_local")->Threads(2)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
