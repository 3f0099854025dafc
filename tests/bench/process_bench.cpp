// SPDX-License-Identifier: MIT
/// What processes cost: to start one and wait for it, beside the bare system calls; and a cycle of
/// what the pages share between them.

#define main subprocess_run_main  // its page is a whole program, and its run() is inside
#include "subprocess_run.cpp"
#undef main

#include <benchmark/benchmark.h>
#include <pthread.h>
#include <semaphore.h>

namespace {

void fork_and_wait(benchmark::State& state) {
  for (auto _ : state) pdc::Child([] {}).wait();
}
BENCHMARK(fork_and_wait)->UseRealTime();

void bare_fork_and_wait(benchmark::State& state) {
  for (auto _ : state) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (waitpid(child, nullptr, 0) != child) return state.SkipWithError("no child");
  }
}
BENCHMARK(bare_fork_and_wait)->UseRealTime();

/// The argument is the MiB that the parent has in use: fork copies the map of all of them.
std::vector<char> use_memory(const benchmark::State& state) {
  return std::vector<char>(static_cast<std::size_t>(state.range(0)) << 20, 'm');
}

void spawn_and_wait(benchmark::State& state) {
  const std::vector<char> memory = use_memory(state);
  for (auto _ : state) {
    if (!run({"/bin/sh", "-c", "exit 0"}).end.good()) return state.SkipWithError("no program");
  }
}
BENCHMARK(spawn_and_wait)->Arg(1)->Arg(256)->UseRealTime();

void bare_fork_and_exec(benchmark::State& state) {
  const std::vector<char> memory = use_memory(state);
  char shell[] = "/bin/sh", option[] = "-c", script[] = "exit 0";
  char* const words[] = {shell, option, script, nullptr};
  for (auto _ : state) {
    const pid_t child = fork();
    if (child == 0) {
      execve(shell, words, environ);
      _exit(127);
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child || status != 0)
      return state.SkipWithError("no program");
  }
}
BENCHMARK(bare_fork_and_exec)->Arg(1)->Arg(256)->UseRealTime();

/// Robust, as the page's: it tells the next owner that the last one died.
void robust_mutex(benchmark::State& state) {
  pthread_mutexattr_t kind;
  pthread_mutexattr_init(&kind);
  pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
  const pdc::Shared<pthread_mutex_t> mutex;
  pthread_mutex_init(&*mutex, &kind);
  for (auto _ : state) {
    pthread_mutex_lock(&*mutex);
    pthread_mutex_unlock(&*mutex);
  }
  pthread_mutex_destroy(&*mutex);
}
BENCHMARK(robust_mutex)->UseRealTime();

void shared_semaphore(benchmark::State& state) {
  const pdc::Shared<sem_t> places;
  sem_init(&*places, 1, 2);
  for (auto _ : state) {
    sem_wait(&*places);
    sem_post(&*places);
  }
  sem_destroy(&*places);
}
BENCHMARK(shared_semaphore)->UseRealTime();

/// As many processes as the argument says, this one among them.
void shared_barrier(benchmark::State& state) {
  constexpr int crossings = 2'000;  // in one iteration
  const auto runners = static_cast<unsigned>(state.range(0));
  pthread_barrierattr_t kind;
  pthread_barrierattr_init(&kind);
  pthread_barrierattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
  const pdc::Shared<pthread_barrier_t> line;
  pthread_barrier_init(&*line, &kind, runners);
  const auto cross_all = [&] {
    for (int i = 0; i < crossings; ++i) pthread_barrier_wait(&*line);
  };
  for (auto _ : state) {
    std::vector<pdc::Child> others;
    for (unsigned i = 1; i < runners; ++i) others.emplace_back(cross_all);
    cross_all();
  }  // ~Child waits here
  state.SetItemsProcessed(state.iterations() * crossings);
  pthread_barrier_destroy(&*line);
}
BENCHMARK(shared_barrier)->Arg(4)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
