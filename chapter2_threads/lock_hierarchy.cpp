// Lock hierarchy: a mutex with a level, which refuses the wrong order before any thread waits.
//
// Concept   Locks that are taken in two orders can deadlock, but only when two threads meet in the
//           bad moment. So tests go well, for years. Give each mutex a level, and let a thread wait
//           only for levels below all that it holds. Then the first wrong step is refused, every
//           time, and with one thread alone. A mere try never waits, so it may come in any order.
// Shows     std::mutex, std::scoped_lock, std::unique_lock, thread_local, std::logic_error
// Run       lock_hierarchy --times 3
// You see   without levels one thread alone does not notice, and two deadlock; with levels each
//           wrong step is refused, with one thread and with two
// Next      dining_philosophers gives forks an order; interleavings tries all orders of two threads

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A std::mutex that notes who holds it and who wants it. Where its lock() would wait for ever it
/// returns without the lock, so that the program goes on and can tell.
using Mutex = pdc::Watched<std::mutex>;

/// A thread may wait for it only while all that it holds has a higher level.
class LevelMutex {
 public:
  LevelMutex(int level, pdc::LockOrder& order, std::string name)
      : level_(level), mutex_(order, std::move(name)) {}

  /// Throws std::logic_error, and takes nothing, where the order is wrong: even if it is free.
  void lock() {
    for (const LevelMutex* other : held_) {
      if (other->level_ <= level_)
        throw std::logic_error("level " + std::to_string(level_) + " wanted, level " +
                               std::to_string(other->level_) + " held");
    }
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

template <class AnyMutex>
struct Server {
  explicit Server(int threads) : bad_moment(threads) {}

  pdc::Meeting bad_moment;
  pdc::LockOrder order{bad_moment};  // a thread that waits for a lock is kept out of it
  AnyMutex cache{2, order, "cache"}, log{1, order, "log"}, counts{1, order, "counts"};
  std::atomic<int> done = 0, refused = 0;

  /// Right: down.
  void look_up() {
    const std::scoped_lock first(cache);
    bad_moment.meet();  // forced: each holds its first lock, if it can
    const std::scoped_lock second(log);
  }

  /// Right: up, but taken together, which waits for one only while it holds none.
  void clear() { const std::scoped_lock both(log, cache); }

  /// Wrong: up.
  void archive() {
    const std::scoped_lock first(log);
    bad_moment.meet();
    bad_moment.meet();  // forced again: by now the other one waits for the log
    const std::scoped_lock second(cache);
  }

  /// Wrong: neither up nor down. The lowest that is held counts, and not the last.
  void sum_up() {
    const std::scoped_lock both(log, cache);
    const std::scoped_lock third(counts);
  }

  /// Wrong: the same. What has been given back does not count.
  void report() {
    std::unique_lock first(cache);
    const std::scoped_lock second(log);
    first.unlock();
    const std::scoped_lock third(counts);
  }

  void attempt(void (Server::*step)()) {
    try {
      (this->*step)();
      ++done;
    } catch (const std::logic_error& error) {
      if (refused++ == 0) pdc::mark(error.what());
    }
  }

  void do_right() {
    for (const auto step : {&Server::look_up, &Server::clear}) attempt(step);
  }
  void do_wrong() {
    for (const auto step : {&Server::archive, &Server::sum_up, &Server::report}) attempt(step);
  }
};

struct Seen {
  int done, refused;
  std::vector<std::string> circle;  // of locks, each wanted by a thread that holds the one before
  pdc::WaitForGraph deadlock;
};

/// The first thread does what is right, the last one what is wrong.
template <class AnyMutex>
Seen serve(int threads, int times) {
  Server<AnyMutex> server(threads);
  {
    std::vector<std::jthread> serving;
    for (int me = 0; me < threads; ++me) {
      serving.emplace_back([&, me, lane = pdc::Lane("thread {}", me)] {
        const pdc::LockingLane locks_are_bars_of(lane);
        for (int i = 0; i < times; ++i) {
          if (me == 0) server.do_right();
          if (me == threads - 1) server.do_wrong();
        }
      });
    }
  }  // ~jthread joins here
  return {server.done, server.refused, server.order.cycle(), server.order.deadlock()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"times", 3, "how often each step is taken", {1, 200}}});
  const int n = program.integer("times");

  const Seen unseen = program.scene("without levels, one thread", serve<PlainMutex>, 1, n);
  const Seen stuck = program.scene("without levels, two threads", serve<PlainMutex>, 2, 1);
  const Seen alone = program.scene("with levels, one thread", serve<LevelMutex>, 1, n);
  const Seen both = program.scene("with levels, two threads", serve<LevelMutex>, 2, n);

  pdc::check(unseen.done == 5 * n, "without levels, one thread gets all locks in any order",
             "{} of {} steps", unseen.done, 5 * n);
  pdc::check(unseen.circle.size() == 2,
             "without levels, there is a circle among the locks that it held and wanted", "{}",
             pdc::join(unseen.circle));
  pdc::check(stuck.deadlock.cycle().size() == 2,
             "without levels, two threads wait for the locks of each other");
  pdc::check(alone.refused == 3 * n, "with levels, one thread is refused each wrong step",
             "{} of {}", alone.refused, 3 * n);
  pdc::check(both.refused == 3 * n,
             "with levels, of two threads the wrong one is refused each step", "{} of {}",
             both.refused, 3 * n);
  pdc::check(alone.done == 2 * n && both.done == 2 * n,
             "with levels, no step in the right order is refused", "{} and {} of {}", alone.done,
             both.done, 2 * n);
  pdc::check(alone.circle.empty() && both.circle.empty(),
             "with levels, no circle among the locks held and wanted");
  return program.finish();
}
