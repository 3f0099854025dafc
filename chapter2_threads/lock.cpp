// Lock: a critical section, and what it costs to stay in it for too long.
//
// Concept   A critical section is code that only one thread at a time may be in. A mutex guards it:
//           a thread that comes while the mutex is locked waits, and a thread that waits does no
//           work. Held during the whole work, it makes many workers as slow as one. Keep it short.
// Shows     std::mutex, std::scoped_lock, std::jthread
// Python    threading.Lock
// Run       lock --workers 4
// You see   without the mutex all are in the section at once, and one update of 4 counts; with it
//           one is; held for the work it lets one work at a time, held for the update it lets all
// Next      semaphore lets several in; atomics needs no lock for an update as short as this

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "pdc/workload.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace {

/// The work: to count the primes below this. A quarter of it is prime, so with four workers a share
/// that is one number too long or too short counts a prime twice, or not at all.
constexpr std::int64_t below = 4 * 75'011;

struct Hall {
  explicit Hall(int n) : workers(n), bad_moment(n) {}

  const int workers;
  std::mutex mutex;
  std::atomic<std::int64_t> primes = 0;  // atomic, so that without the mutex nothing is undefined
  pdc::Gauge at_work, in_section;
  pdc::Meeting bad_moment;
};

std::int64_t first_of(int worker, int workers) {
  return below * worker / workers;
}

/// The work: a share of the numbers, on one's own.
std::int64_t count_share(Hall& hall, int worker) {
  const auto visit = hall.at_work.visit();
  hall.bad_moment.meet();  // forced: all who can be at work at once, are
  return pdc::count_primes(first_of(worker, hall.workers), first_of(worker + 1, hall.workers));
}

/// The critical section: read, add, write.
void add(Hall& hall, std::int64_t found) {
  const auto visit = hall.in_section.visit();
  const std::int64_t seen = hall.primes;
  hall.bad_moment.meet();  // forced: all who can be in here, have read before one writes; twice,
  hall.bad_moment.meet();  // as the first may be with a worker that only begins its work
  if (hall.primes != seen) pdc::fault("update lost");
  hall.primes = seen + found;
}

/// Right, and as fast as it can be.
void hold_mutex_briefly(Hall& hall, int worker, const pdc::Lane& lane) {
  auto work = lane.work("work");
  const std::int64_t found = count_share(hall, worker);
  work.end();
  auto wait = hall.bad_moment.wait_outside(lane, "mutex");
  const std::scoped_lock lock(hall.mutex);  // from here to the closing brace: the update alone
  wait.end();
  const auto hold = lane.hold("update");
  add(hall, found);
}

/// Right, and slow: a worker that waits for the mutex could be at work.
void hold_mutex_long(Hall& hall, int worker, const pdc::Lane& lane) {
  auto wait = hall.bad_moment.wait_outside(lane, "mutex");
  const std::scoped_lock lock(hall.mutex);  // from here to the closing brace: work and update
  wait.end();
  const auto hold = lane.hold("work and update");
  const std::int64_t found = count_share(hall, worker);
  add(hall, found);
}

/// Wrong on purpose: nothing keeps the second worker out of the section.
void use_no_mutex(Hall& hall, int worker, const pdc::Lane& lane) {
  auto work = lane.work("work");
  const std::int64_t found = count_share(hall, worker);
  work.end();
  const auto hold = lane.hold("update");
  add(hall, found);
}

struct Seen {
  int at_work, in_section;  // the most at once
  std::int64_t primes;
};

Seen count(void (*take_part)(Hall&, int, const pdc::Lane&), int workers) {
  Hall hall(workers);
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < workers; ++i)
      counting.emplace_back(take_part, std::ref(hall), i, pdc::Lane("worker {}", i));
  }  // ~jthread joins here
  return {hall.at_work.most(), hall.in_section.most(), hall.primes};
}

/// Whether the number is what one worker has found, by a method that shares no code with theirs.
bool is_one_share(std::int64_t primes, int workers) {
  for (int i = 0; i < workers; ++i) {
    const std::int64_t share =
        pdc::sieve_primes(first_of(i + 1, workers)) - pdc::sieve_primes(first_of(i, workers));
    if (primes == share) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 4, "threads that share the work", {2, 64}}});
  const int n = program.integer("workers");

  const Seen without = program.scene("without the mutex", count, use_no_mutex, n);
  const Seen held = program.scene("the mutex held during the work", count, hold_mutex_long, n);
  const Seen brief = program.scene("the mutex held for the update", count, hold_mutex_briefly, n);
  pdc::say_speedup(program,
                   {{"one worker", 1, [] { count(hold_mutex_long, 1); }},
                    {"held long", n, [=] { count(hold_mutex_long, n); }},
                    {"held briefly", n, [=] { count(hold_mutex_briefly, n); }}},
                   5);

  const std::int64_t all = pdc::sieve_primes(below);
  pdc::check(without.in_section == n, "without the mutex, all are in the critical section at once",
             "{} of {}", without.in_section, n);
  pdc::check(is_one_share(without.primes, n),
             "without it, the update of one counts, the others are lost", "{} of {} primes",
             without.primes, all);
  pdc::check(held.in_section == 1 && brief.in_section == 1,
             "with the mutex, there is never more than one in the section", "{} and {} of {}",
             held.in_section, brief.in_section, n);
  pdc::check(held.primes == all && brief.primes == all, "with the mutex, every update counts",
             "{} and {} of {} primes", held.primes, brief.primes, all);
  pdc::check(held.at_work == 1, "held during the work, the mutex lets one work at a time",
             "{} of {}", held.at_work, n);
  pdc::check(brief.at_work == n, "held for the update, the mutex lets all work at once", "{} of {}",
             brief.at_work, n);
  return program.finish();
}
