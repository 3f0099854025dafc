// Event: many threads wait for one moment.
//
// Concept   An event is a flag that threads sleep on until somebody sets it. It must stay set: a
//           flag that is set and cleared at once is a shout, and whoever does not listen at that
//           moment waits for ever. For a moment that comes once, a latch is enough.
// Shows     std::atomic<bool>::wait, std::atomic<bool>::notify_all, std::latch
// Python    threading.Event
// Run       event --threads 4
// You see   set and cleared at once, the event is missed by all; set for good, nobody misses it
// Next      semaphore counts how many may pass; barrier closes again behind those who passed

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct Tally {
  std::atomic<int> missed = 0;  // found the event gone
  std::atomic<int> early = 0;   // passed before it
  std::atomic<int> passed = 0;
};

void set_for_good(std::atomic<bool>& flag) {
  flag = true;
  flag.notify_all();
}

/// Wrong on purpose: who looks after the flag was cleared sleeps on, until somebody helps.
void wait_for_pulse(Tally& tally, int threads) {
  std::atomic<bool> flag = false;
  std::latch is_over(1), all_looked(threads);
  const pdc::Lane setter("setter");
  std::vector<std::jthread> waiters;
  for (int i = 0; i < threads; ++i) {
    waiters.emplace_back([&, lane = pdc::Lane("waiter {}", i)] {
      is_over.wait();  // forced: all come when it is over
      const auto wait = lane.wait("what is gone");
      if (!flag) ++tally.missed;
      all_looked.count_down();
      flag.wait(false);
    });
  }
  const auto work = setter.work("sets, clears, forgets");
  std::this_thread::sleep_for(10ms);  // plays the work that the others wait for
  flag = true;
  flag.notify_all();
  flag = false;
  is_over.count_down();
  all_looked.wait();
  std::this_thread::sleep_for(20ms);  // plays "for ever"
  set_for_good(flag);                 // only this lets them go
}  // ~jthread joins each

/// Those with an even number come before the event, the others after it.
void meet(Tally& tally, int threads, const std::function<void()>& set,
          const std::function<void()>& wait_for_it) {
  std::atomic<bool> happened = false;
  std::latch first_are_here((threads + 1) / 2), is_over(1);
  const pdc::Lane setter("setter");
  std::vector<std::jthread> waiters;
  for (int i = 0; i < threads; ++i) {
    waiters.emplace_back([&, i, lane = pdc::Lane("waiter {}", i)] {
      if (i % 2 == 1) is_over.wait();  // forced: these come later
      auto wait = lane.wait("the event");
      if (i % 2 == 0) first_are_here.count_down();
      wait_for_it();
      wait.end();
      const auto work = lane.work("goes on");
      ++(happened ? tally.passed : tally.early);
      std::this_thread::sleep_for(10ms);  // plays what it was waiting to do
    });
  }
  const auto work = setter.work("prepares, sets");
  first_are_here.wait();
  std::this_thread::sleep_for(20ms);  // plays the work that the others wait for
  happened = true;
  set();
  is_over.count_down();
}

void wait_for_flag(Tally& tally, int threads) {
  std::atomic<bool> flag = false;
  meet(
      tally, threads, [&] { set_for_good(flag); }, [&] { flag.wait(false); });
}

void wait_for_latch(Tally& tally, int threads) {
  std::latch once(1);
  meet(
      tally, threads, [&] { once.count_down(); }, [&] { once.wait(); });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that wait", {2, 64}}});
  const int threads = program.integer("threads");
  Tally pulse, flag, latch;

  program.scene("set and cleared at once", wait_for_pulse, pulse, threads);
  program.scene("set for good", wait_for_flag, flag, threads);
  program.scene("a latch, for once", wait_for_latch, latch, threads);

  const int early = flag.early + latch.early;
  pdc::check(pulse.missed == threads, "set and cleared at once, all who looked later missed it",
             "{} of {}", pulse.missed.load(), threads);
  pdc::check(early == 0, "none passed before the event", "{} of {}", early, 2 * threads);
  pdc::check(flag.passed == threads, "set for good, all passed after it", "{} of {}",
             flag.passed.load(), threads);
  pdc::check(latch.passed == threads, "so they did with a latch", "{} of {}", latch.passed.load(),
             threads);
  return program.finish();
}
