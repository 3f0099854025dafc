// SPDX-License-Identifier: MIT
/// Starting and joining a thread: std::jthread, beside the system's own.

#include <benchmark/benchmark.h>
#include <pthread.h>

#include <thread>

namespace {

void jthread_start_and_join(benchmark::State& state) {
  for (auto _ : state) const std::jthread thread([] {});
}
BENCHMARK(jthread_start_and_join)->UseRealTime();

void* do_nothing(void* /*nothing*/) {
  return nullptr;
}

void pthread_start_and_join(benchmark::State& state) {
  for (auto _ : state) {
    pthread_t thread{};
    if (pthread_create(&thread, nullptr, do_nothing, nullptr) != 0)
      return state.SkipWithError("no thread");
    pthread_join(thread, nullptr);
  }
}
BENCHMARK(pthread_start_and_join)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
