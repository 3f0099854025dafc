// Recursive lock: a method that holds the lock calls another that takes it.
//
// Concept   A mutex does not ask who holds it: the thread that has it and asks again waits for
//           itself, for ever. A recursive mutex counts how often its holder has taken it. Better is
//           a design that needs none: public methods lock, private ones do the work.
// Shows     std::mutex, try_lock, std::recursive_mutex, std::scoped_lock
// Python    threading.RLock
// Run       recursive_lock --threads 3 --rounds 2
// You see   the mutex is still taken where the inner method would ask for it; with a recursive one,
//           or with private methods that do not lock, all items are added
// Next      deadlock has two locks and two threads; lock tells what to do inside, and what not

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace {

void pack() {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays the packing of one item
}

/// Wrong on purpose: add_two() calls add(), and both want the mutex. Asking again for a mutex that
/// one holds is undefined, so add() sends a friend to ask: try_lock by another thread is defined.
class BoxWithMutex {
 public:
  void add_two(const pdc::Lane& lane) {
    const std::scoped_lock lock(mutex_);
    const auto hold = lane.hold("add_two");
    pack();
    add();
    add();
  }
  void add() {
    std::jthread friend_of_mine([&, lane = pdc::Lane("friend")] {
      const auto work = lane.work("asks");
      const bool free = mutex_.try_lock();
      if (free) mutex_.unlock();
      if (!free) ++stuck;  // lock() would wait for add_two(), which waits for this
    });
  }
  int stuck = 0;

 private:
  std::mutex mutex_;
};

class BoxWithRecursiveMutex {
 public:
  void add_two(const pdc::Lane& lane) {
    auto wait = lane.wait("mutex");
    const std::scoped_lock lock(mutex_);  // the first time: waits for the others
    wait.end();
    const auto hold = lane.hold("add_two");
    add(lane);
    add(lane);
  }
  void add(const pdc::Lane& lane) {
    const std::scoped_lock lock(mutex_);  // the second time: counts to two and goes on
    const auto hold = lane.hold("add");
    const int seen = items;
    pack();
    items = seen + 1;
  }
  int items = 0;

 private:
  std::recursive_mutex mutex_;
};

/// The better design: who is inside has the lock, and nobody inside asks for it.
class BoxWithPrivateWork {
 public:
  void add_two(const pdc::Lane& lane) {
    auto wait = lane.wait("mutex");
    const std::scoped_lock lock(mutex_);
    wait.end();
    const auto hold = lane.hold("add_two");
    put_in(lane);
    put_in(lane);
  }
  void add(const pdc::Lane& lane) {
    const std::scoped_lock lock(mutex_);
    put_in(lane);
  }
  int items = 0;

 private:
  void put_in(const pdc::Lane& lane) {  // requires: mutex_ is held
    const auto hold = lane.hold("put_in");
    const int seen = items;
    pack();
    items = seen + 1;
  }
  std::mutex mutex_;
};

int ask_twice() {
  BoxWithMutex box;
  box.add_two(pdc::Lane("thread"));
  return box.stuck;
}

template <class Box>
int fill(int threads, int rounds) {
  Box box;
  {
    std::vector<std::jthread> filling;
    for (int i = 0; i < threads; ++i) {
      filling.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        for (int round = 0; round < rounds; ++round) {
          box.add_two(lane);
          box.add(lane);
        }
      });
    }
  }  // ~jthread joins here
  return box.items;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 3, "threads that fill the box", {2, 64}},
                        {"rounds", 2, "times that each adds two items, then one", {1, 10}}});
  const int threads = program.integer("threads");
  const int rounds = program.integer("rounds");

  const int stuck = program.scene("a mutex, asked for twice", ask_twice);
  const int recursive =
      program.scene("a recursive mutex", fill<BoxWithRecursiveMutex>, threads, rounds);
  const int better =
      program.scene("private methods that do not lock", fill<BoxWithPrivateWork>, threads, rounds);

  const int all = 3 * threads * rounds;
  pdc::check(stuck == 2, "a mutex is still taken when the inner method asks for it",
             "{} of 2 times", stuck);
  pdc::check(recursive == all, "with a recursive mutex, every item is added", "{} of {}", recursive,
             all);
  pdc::check(better == all, "with private methods that do not lock, too", "{} of {}", better, all);
  return program.finish();
}
