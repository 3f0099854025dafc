// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "pdc/graph.hpp"
#include "pdc/stage.hpp"
#include "pdc/timeline.hpp"

/// The graph of locks held and wanted: the evidence that no schedule of the same steps can deadlock
/// (a branch that did not run has left no edge in it). The locks notice by themselves what is done
/// with them, so the page keeps std::scoped_lock, std::unique_lock, std::lock, with one mutex or
/// several:
///
///     pdc::LockOrder order;
///     pdc::Watched<std::mutex> a(order, "lock a"), b(order, "lock b");
///     ...                                       // in each thread:
///     const pdc::LockingLane here(lane);        // its locks are bars of this lane
///     const std::scoped_lock first(a), second(b);
///     ...                                       // and when all have ended:
///     pdc::check(order.cycle().empty(), "in one order, no circle among the locks");
namespace pdc {

/// What the locks made with it have seen, in the threads of one process. Thread safety: any.
/// Errors: none. Requires: it outlives its locks.
class LockOrder {
 public:
  LockOrder() = default;

  /// Whoever waits for one of its locks is kept out of that meeting meanwhile. Requires: the meeting
  /// outlives it.
  explicit LockOrder(Meeting& bad_moment) noexcept : bad_moment_(&bad_moment) {}

  /// Locks of which each was wanted by some thread that held the one before it, and the first by
  /// one that held the last; empty: no such circle, so no schedule of these same steps can deadlock.
  /// To want means to wait if need be: a mere try makes no edge, nor do the locks that
  /// std::scoped_lock takes together, as std::lock waits only while it holds none of them.
  std::vector<std::string> cycle() const;

  /// How many different pairs of one lock held and another wanted there were.
  int pairs() const;

  /// Who waited for which lock of whom when threads closed a circle, the first time; else empty.
  WaitForGraph deadlock() const;

 private:
  template <class Mutex>
  friend class Watched;

  struct Owner {
    std::thread::id id;  // of none: it is free
    std::string name;
  };
  struct Lock {
    std::string name;
    Owner owner;
  };

  std::size_t add(std::string name);
  bool want(std::size_t lock, bool again);
  bool closes_circle(std::size_t lock);
  Meeting::Outside wait(std::size_t lock) const;
  void take(std::size_t lock);
  void give_up();
  void pass(std::size_t lock);
  bool has(std::size_t lock) const;
  bool give_back(std::size_t lock);

  Meeting* bad_moment_ = nullptr;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Lock> locks_;
  std::set<std::pair<std::size_t, std::size_t>> edges_;  // held, wanted
  std::map<std::thread::id, std::size_t> waits_;
  WaitForGraph deadlock_;
};

/// A mutex of that type, for all that takes one. As it is, but for this: a lock() that would close a
/// circle of threads which wait for one another for ever returns, without the lock. So the program
/// comes to its claims, and the one about cycle() or deadlock() says what happened.
///
/// Bars: a wait while it has to wait, a hold while it is held, if this thread has a LockingLane; so
/// the deadline names both. Thread safety, errors: those of the mutex.
template <class Mutex>
class Watched {
 public:
  Watched(LockOrder& order, std::string name)
      : order_(order), number_(order.add(std::move(name))) {}
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;

  void lock() {
    if (!order_.want(number_, is_recursive)) return order_.pass(number_);
    if (!mutex_.try_lock()) {
      if (order_.closes_circle(number_)) return order_.pass(number_);
      const auto wait = order_.wait(number_);
      mutex_.lock();
    }
    order_.take(number_);
  }

  bool try_lock() {
    if (!mutex_.try_lock()) return false;
    order_.take(number_);
    return true;
  }

  /// Waits while it holds what it holds, so it makes edges as lock() does; and it comes to an end.
  template <class Rep, class Period>
  bool try_lock_for(const std::chrono::duration<Rep, Period>& time) {
    if (!order_.want(number_, is_recursive)) return false;
    if (!mutex_.try_lock()) {
      order_.closes_circle(number_);
      const auto wait = order_.wait(number_);
      if (!mutex_.try_lock_for(time)) {
        order_.give_up();
        return false;
      }
    }
    order_.take(number_);
    return true;
  }

  void unlock() {
    if (order_.give_back(number_)) mutex_.unlock();
  }

  /// Whether this thread holds it: not if lock() has returned without it.
  bool is_mine() const { return order_.has(number_); }

 private:
  static constexpr bool is_recursive = std::is_same_v<Mutex, std::recursive_mutex> ||
                                       std::is_same_v<Mutex, std::recursive_timed_mutex>;

  LockOrder& order_;
  const std::size_t number_;
  Mutex mutex_;
};

/// While it lives, the watched locks of this thread are bars of that lane, and bear its name where
/// the thread is named. Requires: it ends before the lane and after the locks taken in its scope.
class LockingLane {
 public:
  explicit LockingLane(const Lane& lane) noexcept;
  LockingLane(const LockingLane&) = delete;
  ~LockingLane();

 private:
  const Lane* before_;
};

}  // namespace pdc
