// Lock hierarchy: a mutex with a level, which refuses the wrong order before any thread waits.
//
// Concept   Locks that are taken in two orders can deadlock, but only when two threads meet in the
//           bad moment. So tests go well, for years. Give each mutex a level, and let a thread wait
//           only for levels below all that it holds. Then the first wrong step is refused, every
//           time, and with one thread alone. A mere try never waits, so it may come in any order.
// Shows     std::mutex, std::scoped_lock, std::unique_lock, thread_local, std::logic_error
// Run       lock_hierarchy
// You see   without levels two threads deadlock; with levels each wrong step is refused, with two
//           threads and with one
// Next      dining_philosophers gives forks an order; interleavings tries all orders of two threads

// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A std::mutex whose lock() returns without it where it would wait for ever, so the page can tell.
using Mutex = pdc::Watched<std::mutex>;

/// A thread may wait for it only while all that it holds has a higher level.
class LevelMutex {
 public:
  LevelMutex(int level, pdc::LockOrder& order, std::string name)
      : level_(level), mutex_(order, std::move(name)) {}

  /// Throws std::logic_error, and takes nothing, where the order is wrong: even if it is free.
  void lock() {
    for (const LevelMutex* other : held_)
      if (other->level_ <= level_)
        throw std::logic_error("level " + std::to_string(level_) + " wanted, level " +
                               std::to_string(other->level_) + " held");
    held_.reserve(held_.size() + 1);  // so that nothing throws once it is locked
    mutex_.lock();
    held_.push_back(this);
  }

  /// Never waits, so it may come in any order; std::scoped_lock of several needs that.
  bool try_lock() {
    held_.reserve(held_.size() + 1);
    if (!mutex_.try_lock()) return false;
    held_.push_back(this);
    return true;
  }

  void unlock() {
    std::erase(held_, this);  // not always the one that was taken last
    mutex_.unlock();
  }

 private:
  static inline thread_local std::vector<const LevelMutex*> held_;  // each thread has its own

  const int level_;
  Mutex mutex_;
};

/// Wrong on purpose: knows nothing of levels.
struct PlainMutex : Mutex {
  PlainMutex(int /*level*/, pdc::LockOrder& order, std::string name)
      : Mutex(order, std::move(name)) {}
};

struct Seen {
  int done, refused;
  bool deadlock;    // of threads
  bool has_circle;  // of locks, each wanted by a thread that held the one before
};

/// The first thread does what is right, the last one what is wrong.
template <class AnyMutex>
Seen serve(int threads) {
  pdc::Meeting bad_moment(threads);
  pdc::LockOrder order(bad_moment);  // a thread that waits for a lock is kept out of it
  AnyMutex cache(2, order, "cache"), log(1, order, "log"), counts(1, order, "counts");
  const auto look_up = [&] {  // right: down
    const std::scoped_lock first(cache);
    bad_moment.meet();  // forced: each holds its first lock, if it can
    const std::scoped_lock second(log);
  };
  const auto clear = [&] {  // right: up, but together, which waits for one only while it holds none
    const std::scoped_lock both(log, cache);
  };
  const auto archive = [&] {  // wrong: up
    const std::scoped_lock first(log);
    bad_moment.meet();
    bad_moment.meet();  // forced again: by now the other one waits for the log
    const std::scoped_lock second(cache);
  };
  const auto report = [&] {  // wrong: neither up nor down
    std::unique_lock first(cache);
    const std::scoped_lock second(log);
    first.unlock();
    const std::unique_lock again(cache, std::try_to_lock);  // up, but it does not wait
    const std::scoped_lock third(counts);
  };
  std::atomic<int> done = 0, refused = 0;
  const auto attempt = [&](const auto& step) {
    try {
      step();
      ++done;
    } catch (const std::logic_error& error) {
      if (refused++ == 0) pdc::mark(error.what());
    }
  };
  std::vector<std::jthread> serving;
  for (int me = 0; me < threads; ++me) {
    serving.emplace_back([&, me, lane = pdc::Lane("thread {}", me)] {
      const pdc::LockingLane locks_are_bars_of(lane);
      if (me == 0) {
        attempt(look_up);
        attempt(clear);
      }
      if (me == threads - 1) {
        attempt(archive);
        attempt(report);
      }
    });
  }
  serving.clear();  // joins
  return {done, refused, !order.deadlock().cycle().empty(), !order.cycle().empty()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Seen stuck = program.scene("without levels, two threads", serve<PlainMutex>, 2);
  const Seen two = program.scene("with levels, two threads", serve<LevelMutex>, 2);
  const Seen one = program.scene("with levels, one thread", serve<LevelMutex>, 1);

  pdc::check(stuck.refused == 0 && stuck.deadlock,
             "without levels, nothing is refused, and two threads wait for each other's locks");
  pdc::check(two.refused == 2 && one.refused == 2,
             "with levels, each wrong step is refused, with two threads and with one",
             "{} and {} of 2", two.refused, one.refused);
  pdc::check(two.done == 2 && one.done == 2, "with levels, no step in the right order is refused",
             "{} and {} of 2", two.done, one.done);
  pdc::check(!two.has_circle && !one.has_circle, "with levels, no circle of locks held and wanted");
  return program.finish();
}
