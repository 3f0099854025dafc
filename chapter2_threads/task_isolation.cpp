// Task isolation: a thread that waits for its tasks takes another one, which wants its lock.
//
// Concept   A thread that waits for tasks of oneTBB does not sleep as long as there are others: it
//           does one of those meanwhile. If the thread holds a lock and that other task wants it, the
//           thread waits for itself, for ever. Isolated, it takes tasks of the isolated region only.
// Shows     tbb::this_task_arena::isolate, tbb::task_group, tbb::task_arena
// Run       task_isolation --lookups 3
// You see   a thread that takes 3 of 3 look-ups, which want its lock; isolated, it takes 0 of 3
// Next      pool_deadlock has jobs that wait and keep their worker; recursive_lock locks twice

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>

namespace {

/// Right: a thread that waits in here takes no task from outside.
void do_in_isolation(const std::function<void()>& parts) {
  tbb::this_task_arena::isolate(parts);
}

/// Right, too: a thread that waits in here takes tasks of this arena only.
void do_in_own_arena(const std::function<void()>& parts) {
  tbb::task_arena(2).execute(parts);
}

/// Wrong on purpose: a thread that waits in here takes whatever task there is.
void do_in_the_open(const std::function<void()>& parts) {
  parts();
}

using Doing = void (*)(const std::function<void()>&);

constexpr int found_near = 40, found_far = 2;

struct Cache {
  explicit Cache(int n) : lookups(n), offered(64 * n) {}
  const int lookups, offered;  // small parts: 64 chances for each look-up to be taken instead
  std::mutex mutex;            // guards value
  int value = 0;
  std::atomic<std::thread::id> holder;  // of the mutex, while it refills
  std::atomic<int> wanted_by_holder = 0, answered = 0, small_parts_done = 0;
  std::latch far_begun{1}, lookups_wait{1};
  pdc::Meeting in_between{2};  // of the parts: the far one, and a look-up by another thread
};

void look_up(Cache& cache, const pdc::Lane& lane) {
  if (cache.holder == std::this_thread::get_id()) {  // lock() would wait for this very thread
    const auto wait = lane.wait("own lock");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays a wait that never ends
    pdc::fault("waits for itself");
    ++cache.wanted_by_holder;
    return;
  }
  auto wait = cache.in_between.wait_outside(lane, "lock");
  const std::scoped_lock lock(cache.mutex);
  wait.end();
  const auto hold = lane.hold("looks up");
  if (cache.value == found_near + found_far) ++cache.answered;
  cache.in_between.meet();  // forced: who comes too early has looked before the far part is done
}

/// Small parts, one by one: the thread that waits can take each, or a look-up in its place.
void offer_small_parts(Cache& cache, tbb::task_group& parts) {
  for (int i = 0; i < cache.offered && cache.wanted_by_holder < cache.lookups; ++i) {
    parts.run([&] {
      ++cache.small_parts_done;
      cache.small_parts_done.notify_all();
    });
    cache.small_parts_done.wait(i);  // forced: only the thread that waits is there to do it
  }
}

/// Holds the lock while it waits for its parts. One of them is in the hands of another thread.
void refill(Cache& cache, Doing do_parts) {
  const pdc::Lane lane("refill"), far_lane("far part");
  const std::scoped_lock lock(cache.mutex);
  cache.holder = std::this_thread::get_id();
  const auto hold = lane.hold("refills");
  do_parts([&] {
    std::atomic<int> found = found_near;  // before parts: ~task_group waits for those that use it
    tbb::task_group parts;
    parts.run([&] {
      const auto work = far_lane.work("far part");
      cache.far_begun.count_down();
      cache.lookups_wait.wait();
      offer_small_parts(cache, parts);
      cache.in_between.meet();  // forced: another thread sleeps at the lock, or has looked
      found += found_far;
      cache.in_between.leave();
    });
    cache.lookups_wait.wait();  // forced: before it waits, there are other tasks to take
    const auto wait = lane.wait("far part");
    parts.wait();
    cache.value = found;
  });
  cache.holder = std::thread::id();
}

struct Seen {
  int wanted_by_holder, answered;
};

Seen serve(Doing do_parts, int lookups) {
  const tbb::global_control two_workers(tbb::global_control::max_allowed_parallelism, 3);
  Cache cache(lookups);
  tbb::task_group tasks;
  tbb::task_arena arena(3);  // this thread, and the workers
  arena.execute([&] { tasks.run([&] { refill(cache, do_parts); }); });
  cache.far_begun.wait();  // forced: one worker holds the lock, the other has its far part
  arena.execute([&] {
    for (int i = 0; i < lookups; ++i)
      tasks.run([&, lookup = pdc::Lane("look-up {}", i)] { look_up(cache, lookup); });
  });
  cache.lookups_wait.count_down();
  look_up(cache, pdc::Lane("look-up {}", lookups));  // by this thread: takes none of the tasks
  arena.execute([&] { tasks.wait(); });
  return {cache.wanted_by_holder, cache.answered};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"lookups", 3, "tasks that want the lock", {1, 16}}});
  const int n = program.integer("lookups");
  const Seen open = program.scene("in the open", serve, do_in_the_open, n);
  const Seen isolated = program.scene("in isolation", serve, do_in_isolation, n);
  const Seen apart = program.scene("in an arena of its own", serve, do_in_own_arena, n);
  pdc::check(open.wanted_by_holder == n,
             "in the open, the thread that holds the lock takes every look-up, which wants it",
             "{} of {}", open.wanted_by_holder, n);
  pdc::check(isolated.wanted_by_holder == 0 && apart.wanted_by_holder == 0,
             "isolated or in an arena of its own, the thread that holds the lock takes no look-up",
             "{} and {} of {}", isolated.wanted_by_holder, apart.wanted_by_holder, n);
  pdc::check(isolated.answered == n + 1 && apart.answered == n + 1,
             "isolated or in an arena of its own, all look-ups find what was refilled",
             "{} and {} of {}", isolated.answered, apart.answered, n + 1);
  return program.finish();
}
