// Process lock: a mutex in shared memory, and what becomes of it when its owner is killed.
//
// Concept   Processes that share memory need a lock that lies in it. A killed process unlocks
//           nothing: it leaves the lock taken and the data half changed. A robust mutex hands the
//           lock on and says so: the next owner repairs the data before anyone else sees it.
// Shows     pthread_mutexattr_setpshared, pthread_mutexattr_setrobust, pthread_mutex_lock,
//           pthread_mutex_clocklock, pthread_mutex_consistent
// Python    multiprocessing.Lock
// Run       process_lock --processes 4
// You see   without the mutex 1 of 4 updates counts, with it 4 of 4; who inherits a dead one's lock
// Next      process_semaphore lets several in; process_barrier lets all meet

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

void succeed(int error, const char* call) {  // these calls return their error
  if (error != 0) throw std::system_error(error, std::generic_category(), call);
}

/// In shared memory. Never destroyed: a mutex must not be while it is locked.
struct Counter {
  Counter(int robustness, int processes) : all_have_read(processes) {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, robustness);
    succeed(pthread_mutex_init(&mutex, &kind), "pthread_mutex_init");
  }
  void lock() {  // for std::scoped_lock
    const int error = pthread_mutex_lock(&mutex);
    if (error == EOWNERDEAD) return repair();  // the lock is held all the same
    succeed(error, "pthread_mutex_lock");
  }
  void unlock() { pthread_mutex_unlock(&mutex); }
  void repair() {
    ++inherited;
    copy = value.load();
    succeed(pthread_mutex_consistent(&mutex), "pthread_mutex_consistent");
  }
  pthread_mutex_t mutex;
  pdc::Meeting all_have_read;
  std::atomic<int> value = 0, in_vain = 0;  // atomic for those without the mutex
  int copy = 0, inherited = 0;              // copy: of the value, but for critical sections
};

/// Wrong on purpose: between the load and the store the others are free to act.
void add_without_mutex(Counter& counter, const pdc::Lane& lane) {
  const int seen = counter.value;
  const auto update = lane.work("reads {}, writes {}", seen, seen + 1);
  counter.all_have_read.meet();      // forced: nobody writes before all have read
  std::this_thread::sleep_for(5ms);  // plays the computing between the two
  counter.value = seen + 1;
}

void add_with_mutex(Counter& counter, const pdc::Lane& lane) {
  auto wait = counter.all_have_read.wait_outside(lane, "mutex");
  const std::scoped_lock lock(counter);
  wait.end();
  const int seen = counter.value;
  const auto update = lane.hold("reads {}, writes {}", seen, seen + 1);
  counter.all_have_read.meet();      // forced here, too: all who can come in have read
  std::this_thread::sleep_for(5ms);  // plays the same computing
  counter.value = seen + 1;
  ++counter.copy;
}

/// Wrong on purpose: the owner is dead. The time only ends the demonstration.
void wait_in_vain(Counter& counter, const pdc::Lane& lane) {
  const auto wait = lane.wait("mutex of the dead owner");
  const auto end = (std::chrono::steady_clock::now() + 20ms).time_since_epoch() / 1ns;
  const timespec until{end / 1'000'000'000, end % 1'000'000'000};
  const int error = pthread_mutex_clocklock(&counter.mutex, CLOCK_MONOTONIC, &until);
  if (error != ETIMEDOUT) return;
  ++counter.in_vain;
  pdc::fault("in vain");
}

using Act = void (*)(Counter&, const pdc::Lane&);

/// Whoever ends next is seen next: the others may wait for a killed one, and their parent for them.
void run_all(int processes, Counter& counter, Act act) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < processes; ++i)
    children.emplace_back([&, lane = pdc::Lane("process {}", i)] { act(counter, lane); });
  for (int i = 0; i < processes; ++i) {
    const pdc::Exit exit = children[pdc::next_to_end(children)].wait();
    if (!exit.good()) pdc::require(false, "every process came to its end", "{}", exit.text());
  }
}

pdc::Exit run_after_death(int processes, Counter& counter, Act act) {
  pdc::Child owner([&, lane = pdc::Lane("owner")] {
    const std::scoped_lock lock(counter);
    auto update = lane.hold("half an update");
    std::this_thread::sleep_for(5ms);  // plays the computing
    ++counter.value;
    update.end();
    raise(SIGKILL);  // forced: the value is changed, its copy is not
  });
  const pdc::Exit death = owner.wait();
  pdc::fault("killed");
  run_all(processes, counter, act);
  return death;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"processes", 4, "that add one each", {2, 64}}});
  const int all = program.integer("processes");
  const pdc::Shared<Counter> without(PTHREAD_MUTEX_STALLED, all), with(PTHREAD_MUTEX_STALLED, all);
  const pdc::Shared<Counter> lost(PTHREAD_MUTEX_STALLED, all), kept(PTHREAD_MUTEX_ROBUST, all);

  program.scene("without the mutex", run_all, all, *without, add_without_mutex);
  program.scene("with the mutex", run_all, all, *with, add_with_mutex);
  const auto death = program.scene("its owner dies", run_after_death, all, *lost, wait_in_vain);
  program.scene("the same with a robust mutex", run_after_death, all, *kept, add_with_mutex);

  pdc::check(without->value == 1, "without the mutex one update counts, the others are lost",
             "{} of {}", without->value.load(), all);
  pdc::check(with->value == all, "with it every update counts", "{}", with->value.load());
  pdc::check(death.signal == SIGKILL && lost->value == 1 && lost->copy == 0,
             "a killed owner leaves its update half done", "{}", death.text());
  pdc::check(lost->in_vain == all, "a plain mutex stays locked: all wait in vain", "{} of {}",
             lost->in_vain.load(), all);
  pdc::check(kept->inherited == 1, "a robust mutex tells one next owner", "{}", kept->inherited);
  pdc::check(kept->value == all + 1 && kept->copy == all + 1,
             "who repairs: all updates count, and their copies", "{} of {}", kept->copy, all + 1);
  return program.finish();
}
