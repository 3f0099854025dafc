// Latch: one thread goes on when the last of many parts is done.
//
// Concept   A latch is a counter that only goes down. Whoever has done a part counts it down by one,
//           and does not wait; whoever needs all parts waits until it is zero. A flag cannot do
//           that: the first part that is done would raise it for all.
// Shows     std::latch, count_down, wait
// Python    concurrent.futures.wait
// Run       latch --workers 4
// You see   a flag that is raised with one part of four done, and a latch that opens with the last
// Next      barrier does it again and again, and lets all who arrive wait

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t piece = 20'000;  // numbers in a part

struct Seen {
  int parts;            // found, when the waiter goes on
  std::int64_t primes;  // in all that it sees
};

/// Worker 0 does its part at once. The others end theirs when it has counted down, and the waiter
/// has looked or sleeps: so it is seen if the waiter goes on too early.
Seen wait_for_parts(int workers, const std::function<void()>& count_down,
                    const std::function<void()>& wait_for_all) {
  std::vector<std::int64_t> primes(workers);
  std::latch first_done(1);
  pdc::Meeting has_looked(workers);  // the waiter, and all workers but the first
  const auto find_primes = [&](int i, const pdc::Lane& lane) {
    const auto work = lane.work("part {}", i);
    const std::int64_t found = pdc::count_primes(i * piece, (i + 1) * piece);
    if (i > 0) {
      first_done.wait();
      has_looked.meet();  // forced: late
    }
    return found;
  };
  const pdc::Lane waiter("waiter");
  std::vector<std::jthread> working;
  for (int i = 0; i < workers; ++i) {
    working.emplace_back([&, i, lane = pdc::Lane("worker {}", i)] {
      primes[i] = find_primes(i, lane);
      count_down();
      if (i == 0) first_done.count_down();
    });
  }
  auto wait = has_looked.wait_outside(waiter, "all parts");
  wait_for_all();
  wait.end();
  const auto work = waiter.work("looks");
  const auto missing = static_cast<int>(std::ranges::count(primes, 0));
  const Seen seen{workers - missing, std::reduce(primes.begin(), primes.end())};
  if (missing > 0) pdc::fault("parts missing");
  has_looked.meet();
  return seen;
}  // ~jthread joins each

/// Wrong on purpose: the first part that is done raises it.
Seen wait_for_flag(int workers) {
  std::atomic<bool> is_done = false;
  const auto raise = [&] {
    is_done = true;
    is_done.notify_all();
  };
  return wait_for_parts(workers, raise, [&] { is_done.wait(false); });
}

Seen wait_for_latch(int workers) {
  std::latch parts(workers);
  return wait_for_parts(
      workers, [&] { parts.count_down(); }, [&] { parts.wait(); });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 4, "workers, with a part each", {2, 64}}});
  const int workers = program.integer("workers");
  const std::int64_t primes = pdc::sieve_primes(workers * piece);

  const Seen flag = program.scene("a flag", wait_for_flag, workers);
  const Seen latch = program.scene("a latch", wait_for_latch, workers);

  pdc::check(flag.parts == 1, "a flag lets the waiter go on when the first part is done",
             "{} of {}", flag.parts, workers);
  pdc::check(latch.parts == workers, "a latch lets it go on when all parts are done", "{} of {}",
             latch.parts, workers);
  pdc::check(latch.primes == primes, "behind a latch, the waiter sees what every worker has found",
             "{} of {} primes", latch.primes, primes);
  return program.finish();
}
