// Spinlock: to wait by asking again, and what that is worth while the holder sleeps.
//
// Concept   A thread that finds a lock taken can ask again until it is free: it spins. That pays if
//           the holder runs and is about to unlock. If the holder sleeps, or has no core, each look
//           is in vain, and may take the very core that the holder needs. So spin only a few times,
//           then sleep until the holder says that the lock is free.
// Shows     std::atomic_flag, test_and_set, test, wait, notify_one
// Run       spinlock --threads 3
// You see   while the holder sleeps, each spinning thread looks in vain 1000 times, with a limit 101
// Next      lock keeps the section short; event sleeps on an atomic, too

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

namespace {

/// A std::atomic_flag that counts how often threads find it set. A thread that has done so 1000 times
/// counts as one that spins: it comes to the meeting, so that the holder may go on.
struct Flag {
  static constexpr int enough = 1000;
  pdc::Meeting& all_wait;
  std::atomic_flag flag = {};
  std::atomic<bool> counts = true, anyone_spins = false;
  std::atomic<int> looks_in_vain = 0, writes_in_vain = 0;

  bool test_and_set(std::memory_order order) {
    const bool was_set = flag.test_and_set(order);
    if (was_set && counts) ++writes_in_vain;
    return watch(was_set);
  }
  bool test(std::memory_order order) { return watch(flag.test(order)); }
  void clear(std::memory_order order) {
    if (counts.exchange(false) && !anyone_spins) all_wait.meet();  // forced: all sleep by now
    flag.clear(order);
  }
  void wait(bool old, std::memory_order order) const { flag.wait(old, order); }
  void notify_one() { flag.notify_one(); }

  bool watch(bool is_set) {
    thread_local int mine = 0;  // each act has threads of its own
    if (!is_set || !counts || mine == enough) return is_set;
    ++looks_in_vain;
    ++mine;
    if (mine < enough) return true;
    anyone_spins = true;
    pdc::fault("1000 looks in vain");
    all_wait.meet();
    return true;
  }
};

/// Right: it spins for a moment, in case the holder is about to unlock, and then sleeps.
struct AdaptiveLock {
  static constexpr int spins = 100;
  Flag& flag;
  void lock() {
    while (flag.test_and_set(std::memory_order_acquire)) {
      int looks = 0;
      while (looks < spins && flag.test(std::memory_order_relaxed)) ++looks;
      flag.wait(true, std::memory_order_relaxed);  // sleeps while it is set
    }
  }
  void unlock() {
    flag.clear(std::memory_order_release);
    flag.notify_one();  // a thread that wakes looks again: another may have been quicker
  }
};

/// Wrong on purpose, unless the holder is sure to run: it looks again without end.
struct Spinlock {
  Flag& flag;
  void lock() {
    while (flag.test_and_set(std::memory_order_acquire)) {    // a write: one core at a time
      while (flag.test(std::memory_order_relaxed)) continue;  // a read: all cores at once
    }
  }
  void unlock() { flag.clear(std::memory_order_release); }
};

struct Seen {
  int looks, writes;   // in vain, while the holder slept
  int entered, alone;  // threads that got in; that were inside alone, while the flag was set
};

/// The holder sleeps inside until each of the others is seen to wait, awake or asleep.
template <class Lock>
Seen contend(int threads) {
  constexpr bool has_limit = requires {
    Lock::spins;
  };
  pdc::Meeting all_wait(threads + 1);
  Flag flag{all_wait};
  Lock lock{flag};
  pdc::Gauge inside;
  int entered = 0, alone = 0;  // plain numbers: the lock guards them
  const pdc::Lane holder("holder");
  std::vector<std::jthread> waiters;
  {
    const std::scoped_lock held(lock);
    const auto hold = holder.hold("asleep");
    const auto visit = inside.visit();
    for (int i = 0; i < threads; ++i) {
      waiters.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        auto wait = all_wait.wait_outside(has_limit ? lane.wait("sleeps") : lane.work("spins"));
        const std::scoped_lock mine(lock);
        wait.end();
        const auto update = lane.hold("update");
        const auto also_visit = inside.visit();
        ++entered;
        if (flag.flag.test() && inside.inside() == 1) ++alone;
      });
    }
    all_wait.meet();  // forced: each of them waits
  }
  const auto count_entered = [&] {
    all_wait.meet();  // each of them has ended, or sleeps on
    const std::scoped_lock held(lock);
    return entered;
  };
  const int woken = count_entered();
  while (count_entered() < threads) flag.notify_one();  // else they would never end
  return {flag.looks_in_vain, flag.writes_in_vain, woken, alone};
}  // ~jthread joins each

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 3, "threads that wait for the lock", {1, 64}}});
  const int n = program.integer("threads");
  const Seen spinning = program.scene("spinning", contend<Spinlock>, n);
  const Seen limited = program.scene("spinning for a while, then asleep", contend<AdaptiveLock>, n);

  pdc::check(spinning.looks == n * Flag::enough && spinning.writes == n,
             "spinning, each thread writes in vain once, and looks on until it is stopped",
             "{} looks, {} writes", spinning.looks, spinning.writes);
  pdc::check(limited.looks == n * (1 + AdaptiveLock::spins) && limited.writes == n,
             "with a limit, each thread writes in vain once, looks as often as it says, and sleeps",
             "{} looks, {} writes", limited.looks, limited.writes);
  pdc::check(spinning.alone == n && limited.alone == n,
             "with both locks, each thread is inside alone, and the flag is set", "{} and {} of {}",
             spinning.alone, limited.alone, n);
  pdc::check(limited.entered == n, "no thread is left asleep", "{} of {}", limited.entered, n);
  return program.finish();
}
