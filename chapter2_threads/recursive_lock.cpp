// Recursive lock: a method that holds the lock calls another that takes it.
//
// Concept   A std::mutex does not count: a thread that holds it and locks it again waits for
//           itself, for ever (the standard calls that undefined). A recursive mutex counts how often
//           its owner has locked it, and is free after as many unlocks. Better is a design that
//           needs none: public methods lock, private ones do the work.
// Shows     std::mutex, std::recursive_mutex, std::scoped_lock
// Python    threading.RLock
// Run       recursive_lock --threads 3
// You see   with a mutex, the thread waits for itself; with a recursive one, and with private
//           methods that do not lock, every item is added, and no other item comes between the
//           two of a pair
// Next      deadlock has two locks and two threads; lock tells what to do inside, and what not

// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int alone = 0;

/// What is in a box: an item is the number of its pair, or `alone`. Atomic, so that without a lock
/// nothing is undefined.
struct Items {
  explicit Items(int threads) : bad_moment(threads) {}

  void put(int item) {
    const int seen = count;
    bad_moment.meet();  // forced: if another thread can be in here as well, both have read
    if (item != alone && item == last) ++pairs;
    last = item;
    count = seen + 1;
  }

  std::atomic<int> count = 0, last = alone;
  std::atomic<int> pairs = 0;  // with no other item in between
  pdc::Meeting bad_moment;
};

/// Every public method locks, and add_two() calls add(): wrong with a std::mutex, right with one
/// that counts.
template <class Mutex>
class Box {
 public:
  Box(Items& items, pdc::LockOrder& order) : items_(items), mutex_(order, "the box") {}

  void add_two(int pair) {
    const std::scoped_lock lock(mutex_);  // the first time: waits for the others
    add(pair);
    items_.bad_moment.meet();  // forced: if another thread can come in between, it does
    add(pair);
  }

  void add(int pair) {
    const std::scoped_lock lock(mutex_);  // under add_two() the second time: counts to two
    items_.put(pair);
  }

 private:
  Items& items_;
  // That mutex, watched: a lock() that would wait for ever is noted, and returns without the lock.
  pdc::Watched<Mutex> mutex_;
};

/// The better design: a thread that is inside has the lock, and nothing inside locks.
class BoxWithPrivateWork {
 public:
  BoxWithPrivateWork(Items& items, pdc::LockOrder& order)
      : items_(items), mutex_(order, "the box") {}

  void add_two(int pair) {
    const std::scoped_lock lock(mutex_);
    put(pair);
    items_.bad_moment.meet();
    put(pair);
  }

  void add(int pair) {
    const std::scoped_lock lock(mutex_);
    put(pair);
  }

 private:
  void put(int pair) { items_.put(pair); }  // requires: mutex_ is held

  Items& items_;
  pdc::Watched<std::mutex> mutex_;
};

struct Seen {
  std::vector<std::string> circle;  // of locks, each wanted by a thread that holds the one before
  int items, pairs;
};

/// Each thread adds two items, then one.
template <class Box>
Seen fill(int threads) {
  Items items(threads);
  pdc::LockOrder order(items.bad_moment);  // a thread that waits for the lock is kept out of it
  Box box(items, order);
  {
    std::vector<std::jthread> filling;
    for (int i = 0; i < threads; ++i) {
      filling.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        const pdc::LockingLane locks_are_bars_of(lane);
        box.add_two(1 + i);
        box.add(alone);
      });
    }
  }  // ~jthread joins here
  return {order.cycle(), items.count, items.pairs};
}

void check_right(const char* how, const Seen& seen, int threads) {
  pdc::check(seen.circle.empty(), fmt::format("{}, no thread waits for itself", how));
  pdc::check(seen.items == 3 * threads, fmt::format("{}, every item is added", how), "{} of {}",
             seen.items, 3 * threads);
  pdc::check(seen.pairs == threads,
             fmt::format("{}, no other item comes between the two of a pair", how), "{} of {}",
             seen.pairs, threads);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 3, "threads that fill the box", {2, 64}}});
  const int threads = program.integer("threads");

  const Seen twice = program.scene("a mutex, locked twice", fill<Box<std::mutex>>, 1);
  const Seen recursive =
      program.scene("a recursive mutex", fill<Box<std::recursive_mutex>>, threads);
  const Seen better =
      program.scene("private methods that do not lock", fill<BoxWithPrivateWork>, threads);

  pdc::check(twice.circle.size() == 1, "a thread that locks a std::mutex twice waits for itself");
  check_right("with a recursive mutex", recursive, threads);
  check_right("with private methods that do not lock", better, threads);
  return program.finish();
}
