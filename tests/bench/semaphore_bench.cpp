// SPDX-License-Identifier: MIT
/// To acquire a semaphore that nobody else wants, and release it: the library's, and the system's.

#include <benchmark/benchmark.h>
#include <semaphore.h>

#include <semaphore>

namespace {

void std_counting_semaphore(benchmark::State& state) {
  std::counting_semaphore<> places(2);
  for (auto _ : state) {
    places.acquire();
    places.release();
  }
}
BENCHMARK(std_counting_semaphore)->UseRealTime();

void bare_sem_t(benchmark::State& state) {
  sem_t places{};
  sem_init(&places, 0, 2);
  for (auto _ : state) {
    sem_wait(&places);
    sem_post(&places);
  }
  sem_destroy(&places);
}
BENCHMARK(bare_sem_t)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
