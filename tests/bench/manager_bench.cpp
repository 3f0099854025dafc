/// One request to the very manager of the program `manager`, there and back; all on one processor,
/// or what counts is how long another one takes to wake up.

#define main manager_main  // its page is a whole program
#include "manager.cpp"
#undef main

#include <benchmark/benchmark.h>
#include <sched.h>

namespace {

constexpr int requests = 2'000;  // in one iteration, so that starting the processes hardly counts

void stay_here() {
  cpu_set_t here;
  CPU_ZERO(&here);
  CPU_SET(static_cast<std::size_t>(sched_getcpu()), &here);
  pdc::posix(sched_setaffinity(0, sizeof here, &here), "sched_setaffinity");  // children inherit it
}

void one_request(benchmark::State& state) {
  stay_here();
  for (auto _ : state) {
    run_manager(1, [](int, pdc::Wire& manager, const pdc::Lane& lane) {
      for (int i = 0; i < requests; ++i) ask(manager, lane, "get", "counter", {});
    });
  }
  state.SetItemsProcessed(state.iterations() * requests);
}
BENCHMARK(one_request)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
