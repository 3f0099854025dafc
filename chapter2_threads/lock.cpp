// Lock: a critical section, and what it costs to stay in it for too long.
//
// Concept   A critical section is code that only one thread at a time may be in. A mutex guards it:
//           who comes while it is taken waits. But whoever waits does no work: held during the
//           whole work, the lock makes many workers as slow as one. Keep what it guards short.
// Shows     std::mutex, std::scoped_lock, std::latch, std::jthread
// Python    threading.Lock
// Run       lock --workers 4
// You see   sections overlap without the mutex; one at a time works while the lock is held during
//           the work, all at once when it is held for the update only; and the times of both
// Next      semaphore lets several in; atomics needs no lock for an update as short as this

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t below = 300'000;  // the work: to count the primes below this

/// Counts who is in it, and the most that ever were.
struct Place {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;

  void enter() {
    const int now = ++inside;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) continue;
  }
  void leave() { --inside; }
};

struct Hall {
  explicit Hall(int all) : workers(all), all_here(all) {}

  std::int64_t share(int worker) const {
    return pdc::count_primes(below * worker / workers, below * (worker + 1) / workers);
  }

  const int workers;
  std::latch all_here;
  std::mutex mutex;
  Place at_work, in_section;
  std::atomic<std::int64_t> primes = 0;  // atomic, so that without a mutex nothing is undefined
};

/// Wrong on purpose: nothing keeps the second worker out.
void work_without_mutex(Hall& hall, int worker, const pdc::Lane& lane) {
  const auto hold = lane.hold("work and update");
  hall.in_section.enter();
  hall.all_here.arrive_and_wait();  // forced: nobody goes on before all are inside
  hall.primes = hall.primes + hall.share(worker);
  hall.in_section.leave();
}

/// Right, and slow: whoever waits for the mutex could be at work.
void hold_mutex_long(Hall& hall, int worker, const pdc::Lane& lane) {
  auto wait = lane.wait("mutex");
  const std::scoped_lock lock(hall.mutex);  // from here to the closing brace: work and update
  wait.end();
  const auto hold = lane.hold("work and update");
  hall.in_section.enter();
  hall.at_work.enter();
  hall.primes = hall.primes + hall.share(worker);
  hall.at_work.leave();
  hall.in_section.leave();
}

void hold_mutex_briefly(Hall& hall, int worker, const pdc::Lane& lane) {
  auto work = lane.work("work");
  hall.at_work.enter();
  hall.all_here.arrive_and_wait();  // forced: nobody is done before all are at work
  const std::int64_t found = hall.share(worker);
  hall.at_work.leave();
  work.end();
  const std::scoped_lock lock(hall.mutex);  // from here to the closing brace: the update alone
  const auto hold = lane.hold("update");
  hall.primes = hall.primes + found;
}

struct Seen {
  int at_work, in_section;  // the most at once
  std::int64_t primes;
};

Seen count(void (*take_part)(Hall&, int, const pdc::Lane&), int workers) {
  Hall hall(workers);
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < workers; ++i) {
      counting.emplace_back(take_part, std::ref(hall), i, pdc::Lane("worker {}", i));
    }
  }  // ~jthread joins here
  return {hall.at_work.most, hall.in_section.most, hall.primes};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 4, "threads that share the work", {2, 64}}});
  const int n = program.integer("workers");

  const Seen without = program.scene("without the mutex", count, work_without_mutex, n);
  const Seen held = program.scene("the mutex held during the work", count, hold_mutex_long, n);
  const Seen brief = program.scene("the mutex held for the update", count, hold_mutex_briefly, n);
  pdc::say_speedup(program,
                   {{"one worker", 1, [] { count(hold_mutex_long, 1); }},
                    {"held long", n, [=] { count(hold_mutex_long, n); }},
                    {"held briefly", n, [=] { count(hold_mutex_briefly, n); }}},
                   5);

  const std::int64_t expected = pdc::sieve_primes(below);
  pdc::check(without.in_section == n, "without it, all were in the section at once", "{} of {}",
             without.in_section, n);
  pdc::check(held.in_section == 1, "with it, never more than one", "{} of {}", held.in_section, n);
  pdc::check(held.primes == expected && brief.primes == expected, "and no update was lost",
             "{} primes", expected);
  pdc::check(held.at_work == 1, "held long, it lets one work at a time", "{} of {}", held.at_work,
             n);
  pdc::check(brief.at_work == n, "held briefly, it lets all work at once", "{} of {}",
             brief.at_work, n);
  return program.finish();
}
