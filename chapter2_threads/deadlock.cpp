// Deadlock: two threads hold a lock each and wait for the other's, for ever.
//
// Concept   A thread that holds one lock and waits for another can close a circle of threads that
//           wait for each other, and none of them ever goes on. It takes four things: locks that
//           exclude, holding while waiting, no way to take a lock away, and the circle. Break one.
// Shows     std::scoped_lock of one and of two, std::unique_lock, std::try_to_lock
// Python    threading.Lock, acquire(blocking=False)
// Run       deadlock --transfers 5
// You see   who holds what and waits for what, as a circle; then three cures, with no circle among
//           the locks that were held and wanted
// Next      dining_philosophers has more than two in the circle; bank locks many accounts

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A std::mutex that notes who holds it and who wants it. Where its lock() would wait for ever it
/// returns without the lock, so that the program goes on and can tell.
using Lock = pdc::Watched<std::mutex>;

struct Accounts {
  pdc::Meeting bad_moment{2};
  pdc::LockOrder order{bad_moment};  // a thread that waits for a lock is kept out of it
  Lock lock_a{order, "lock a"}, lock_b{order, "lock b"};
  std::atomic<int> moved = 0;  // guarded by both; atomic, so that nothing is undefined without

  void move() {
    const int seen = moved;
    bad_moment.meet();  // forced: if the other can be in here as well, both have read
    if (lock_a.is_mine() && lock_b.is_mine()) moved = seen + 1;  // without, it does not count
  }
};

/// One lock, then the other: right or wrong, that depends on the order alone.
void lock_one_by_one(Accounts& accounts, Lock& first, Lock& second) {
  const std::scoped_lock one(first);
  accounts.bad_moment.meet();  // forced: each holds its first lock, if it can
  const std::scoped_lock two(second);
  accounts.move();
}

/// Wrong on purpose: each thread begins with a different lock.
void lock_in_opposite_order(Accounts& accounts, int me) {
  if (me == 0) {
    lock_one_by_one(accounts, accounts.lock_a, accounts.lock_b);
  } else {
    lock_one_by_one(accounts, accounts.lock_b, accounts.lock_a);
  }
}

/// A thread that holds lock b never waits for lock a: no circle can close.
void lock_in_one_order(Accounts& accounts, int /*me*/) {
  lock_one_by_one(accounts, accounts.lock_a, accounts.lock_b);
}

/// std::lock, which this calls, cannot deadlock; here it waits for one only while it holds none.
void lock_both_or_none(Accounts& accounts, int /*me*/) {
  const std::scoped_lock both(accounts.lock_a, accounts.lock_b);
  accounts.move();
}

constexpr int attempts = 1000;  // then taken for a livelock: all move, nobody gets anywhere

/// Tries for the second lock; if that is taken, gives back the first, and begins with the other.
void try_and_back_off(Accounts& accounts, int me) {
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const bool a_first = (me + attempt) % 2 == 0;
    Lock& one = a_first ? accounts.lock_a : accounts.lock_b;
    Lock& other = a_first ? accounts.lock_b : accounts.lock_a;
    const std::scoped_lock first(one);
    if (attempt == 0) accounts.bad_moment.meet();  // forced: each holds its first lock, if it can
    const std::unique_lock second(other, std::try_to_lock);
    if (!second) continue;  // ~scoped_lock gives back the first
    accounts.move();
    return;
  }
}

struct Seen {
  pdc::WaitForGraph deadlock;
  std::vector<std::string> circle;  // of locks, each wanted by a thread that holds the one before
  int moved;
};

Seen transfer(void (*move)(Accounts&, int), int transfers) {
  Accounts accounts;
  {
    std::vector<std::jthread> threads;
    for (int me = 0; me < 2; ++me) {
      threads.emplace_back([&, me, lane = pdc::Lane("thread {}", me)] {
        const pdc::LockingLane locks_are_bars_of(lane);
        for (int i = 0; i < transfers; ++i) move(accounts, me);
      });
    }
  }  // ~jthread joins here
  return {accounts.order.deadlock(), accounts.order.cycle(), accounts.moved};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"transfers", 5, "transfers of each thread", {1, 500}}});
  const int transfers = program.integer("transfers");

  const Seen wrong = program.scene("in opposite order", transfer, lock_in_opposite_order, 1);
  wrong.deadlock.draw("who waits for whom");
  const Seen ordered = program.scene("in one order", transfer, lock_in_one_order, transfers);
  const Seen both = program.scene("both or none", transfer, lock_both_or_none, transfers);
  const Seen tried = program.scene("try and back off", transfer, try_and_back_off, transfers);

  pdc::check(wrong.deadlock.cycle().size() == 2,
             "in opposite order, each thread waits for the lock that the other holds",
             "a circle of {} threads", wrong.deadlock.cycle().size());
  const int all = 2 * transfers;
  pdc::check(ordered.circle.empty(), "in one order: no circle among the locks held and wanted");
  pdc::check(ordered.moved == all, "in one order: every transfer counts, under both locks",
             "{} of {}", ordered.moved, all);
  pdc::check(both.circle.empty(), "both or none: no circle among the locks held and wanted");
  pdc::check(both.moved == all, "both or none: every transfer counts, under both locks", "{} of {}",
             both.moved, all);
  pdc::check(tried.circle.empty(), "try and back off: no circle among the locks held and wanted");
  pdc::check(tried.moved == all, "try and back off: every transfer counts, under both locks",
             "{} of {}", tried.moved, all);
  return program.finish();
}
