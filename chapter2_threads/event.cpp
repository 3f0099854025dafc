// Event: many threads wait for one moment.
//
// Concept   An event is a flag that threads sleep on until another thread sets it. It has to stay
//           set: if it is cleared at once, a thread that comes a moment later waits for ever, and
//           a thread that slept wakes, looks again, and may wait on. For what happens only once,
//           a latch is enough.
// Shows     std::atomic<bool>::wait, std::atomic<bool>::notify_all, std::latch
// Python    threading.Event
// Run       event --threads 4
// You see   half of the threads sleep when the event comes, half come later: set and cleared at
//           once, it is missed by all who come later; set for good, it is missed by none
// Next      semaphore counts how many may pass; barrier closes again behind those who passed

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <functional>
#include <latch>
#include <thread>
#include <vector>

namespace {

class Event {
 public:
  void set() {
    is_set_ = true;
    is_set_.notify_all();  // each thread that sleeps here wakes, and looks again
  }
  void clear() { is_set_ = false; }
  void wait() const { is_set_.wait(false); }  // sleeps while it is false

 private:
  std::atomic<bool> is_set_ = false;
};

/// Right: a thread that comes later finds it set, and passes at once.
void set_for_good(Event& event) {
  event.set();
}

/// Wrong on purpose: it can be seen for an instant only.
void set_and_clear(Event& event) {
  event.set();
  event.clear();
}

struct Seen {
  int sleepers, latecomers;  // threads that passed
  int too_soon;              // threads that passed before the event
};

/// Waiters with an even number sleep when the event comes, the others come after it.
Seen meet(int threads, const std::function<void()>& announce,
          const std::function<void()>& wait_for_it, const std::function<void()>& help) {
  pdc::Meeting all_sleep(threads + 1);
  std::latch is_over(1);
  std::atomic<bool> has_happened = false;
  std::atomic<int> sleepers = 0, latecomers = 0, too_soon = 0;
  const pdc::Lane setter("setter");
  std::vector<std::jthread> waiters;
  for (int i = 0; i < threads; ++i) {
    waiters.emplace_back([&, i, lane = pdc::Lane("waiter {}", i)] {
      const bool is_late = i % 2 == 1;
      if (is_late) {
        const auto elsewhere = all_sleep.wait_outside(lane, "comes later");
        is_over.wait();  // forced: the late ones come after the event
      }
      auto wait = all_sleep.wait_outside(lane, "the event");
      wait_for_it();
      wait.end();
      if (!has_happened) ++too_soon;
      if (is_late) {
        ++latecomers;
      } else {
        ++sleepers;
      }
    });
  }
  auto work = setter.work("prepares");
  all_sleep.meet();  // forced: no event before all who are not late sleep
  work.end();
  has_happened = true;
  pdc::mark("it happens");
  announce();
  is_over.count_down();
  all_sleep.meet();  // each waiter has passed and ended, or sleeps on
  const Seen seen{sleepers, latecomers, too_soon};
  if (sleepers + latecomers < threads) {
    pdc::fault("missed: waits for ever");
    help();  // without it, the threads that missed the event would never end
  }
  return seen;
}  // ~jthread joins each

Seen meet_at_event(void (*announce)(Event&), int threads) {
  Event event;
  return meet(
      threads, [&] { announce(event); }, [&] { event.wait(); }, [&] { event.set(); });
}

Seen meet_at_latch(int threads) {
  std::latch once(1);
  return meet(
      threads, [&] { once.count_down(); }, [&] { once.wait(); }, [&] { once.count_down(); });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that wait", {2, 64}}});
  const int threads = program.integer("threads");
  const int early = (threads + 1) / 2;

  const Seen pulse =
      program.scene("set and cleared at once", meet_at_event, set_and_clear, threads);
  const Seen event = program.scene("set for good", meet_at_event, set_for_good, threads);
  const Seen latch = program.scene("a latch, for once", meet_at_latch, threads);
  pdc::say("set and cleared at once: {} of {} that slept looked in time, by luck", pulse.sleepers,
           early);

  pdc::check(pulse.latecomers == 0,
             "set and cleared at once, the event is missed by every thread that comes later",
             "{} of {} passed", pulse.latecomers, threads - early);
  pdc::check(event.sleepers + event.latecomers == threads,
             "set for good, the event is missed by no thread, asleep or late",
             "{} and {} of {} passed", event.sleepers, event.latecomers, threads);
  pdc::check(latch.sleepers + latch.latecomers == threads,
             "with a latch, every thread passes, asleep or late", "{} and {} of {} passed",
             latch.sleepers, latch.latecomers, threads);
  pdc::check(pulse.too_soon + event.too_soon + latch.too_soon == 0,
             "no thread passes before the event", "{} of {}",
             pulse.too_soon + event.too_soon + latch.too_soon, 3 * threads);
  return program.finish();
}
