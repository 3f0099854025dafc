// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <list>

namespace pdc {
namespace {

struct Held {
  const LockOrder* order;
  std::size_t lock;
  bool passed;  // it does not really have it
  Span bar;
};

thread_local std::list<Held> held;  // by this thread, in the order in which it took them
thread_local const Lane* locking_lane = nullptr;

std::string name_of_this_thread() {
  const std::string name = locking_lane == nullptr ? "" : locking_lane->name();
  return name.empty() ? fmt::format("thread {}", gettid()) : name;
}

}  // namespace

LockingLane::LockingLane(const Lane& lane) noexcept : before_(std::exchange(locking_lane, &lane)) {}

LockingLane::~LockingLane() {
  locking_lane = before_;
}

std::vector<std::string> LockOrder::cycle() const {
  const std::scoped_lock guard(mutex_);
  WaitForGraph graph;  // who holds the one waits for the other
  for (const auto& [one, other] : edges_) graph.add(locks_[one].name, "", locks_[other].name);
  return graph.cycle();
}

int LockOrder::pairs() const {
  const std::scoped_lock guard(mutex_);
  return static_cast<int>(edges_.size());
}

WaitForGraph LockOrder::deadlock() const {
  const std::scoped_lock guard(mutex_);
  return deadlock_;
}

std::size_t LockOrder::add(std::string name) {
  const std::scoped_lock guard(mutex_);
  locks_.push_back({std::move(name), {}});
  return locks_.size() - 1;
}

/// Notes what this thread holds meanwhile. False if it would wait for itself: it is that very lock,
/// and not one that may be taken again.
bool LockOrder::want(std::size_t lock, bool again) {
  const std::scoped_lock guard(mutex_);
  const bool has_it = has(lock);
  if (has_it && again) return true;
  for (const Held& other : held)
    if (other.order == this && !other.passed) edges_.emplace(other.lock, lock);
  if (has_it) {
    if (deadlock_.cycle().empty())
      deadlock_.add(name_of_this_thread(), locks_[lock].name, name_of_this_thread());
    fault("deadlock");
  }
  return !has_it;
}

/// Notes that this thread is going to wait, unless nobody would ever end that. The last one in a
/// circle sees the whole of it, as all do this one after the other.
bool LockOrder::closes_circle(std::size_t lock) {
  const std::scoped_lock guard(mutex_);
  const auto me = std::this_thread::get_id();
  waits_[me] = lock;
  WaitForGraph circle;
  std::string who = name_of_this_thread();
  for (std::size_t steps = 0; steps < locks_.size(); ++steps) {
    const auto& [what, owner] = locks_[lock];
    if (owner.id == std::thread::id()) return false;  // it has just been given back
    circle.add(who, what, owner.name);
    if (owner.id == me) {
      waits_.erase(me);
      if (deadlock_.cycle().empty()) deadlock_ = circle;
      fault("deadlock");
      return true;
    }
    const auto next = waits_.find(owner.id);
    if (next == waits_.end()) return false;
    who = owner.name;
    lock = next->second;
  }
  return false;  // there is a circle, and this thread stands outside
}

Meeting::Outside LockOrder::wait(std::size_t lock) const {
  const std::scoped_lock guard(mutex_);
  Span bar = locking_lane == nullptr ? Span() : locking_lane->wait("{}", locks_[lock].name);
  if (bad_moment_ == nullptr) return Meeting::Outside(std::move(bar));
  return bad_moment_->wait_outside(std::move(bar));
}

void LockOrder::take(std::size_t lock) {
  const std::scoped_lock guard(mutex_);
  const auto me = std::this_thread::get_id();
  waits_.erase(me);
  locks_[lock].owner = {me, name_of_this_thread()};
  held.push_back({this, lock, false,
                  locking_lane == nullptr ? Span() : locking_lane->hold("{}", locks_[lock].name)});
}

void LockOrder::give_up() {
  const std::scoped_lock guard(mutex_);
  waits_.erase(std::this_thread::get_id());
}

void LockOrder::pass(std::size_t lock) {
  held.push_back({this, lock, true, Span()});
}

bool LockOrder::has(std::size_t lock) const {
  const auto is_this = [&](const Held& one) {
    return one.order == this && one.lock == lock && !one.passed;
  };
  return std::any_of(held.begin(), held.end(), is_this);
}

/// True if this thread really had it.
bool LockOrder::give_back(std::size_t lock) {
  const auto is_this = [&](const Held& one) { return one.order == this && one.lock == lock; };
  const auto last = std::find_if(held.rbegin(), held.rend(), is_this);
  if (last == held.rend()) return true;  // the mutex says what that means
  const bool had_it = !last->passed;
  held.erase(std::next(last).base());
  const std::scoped_lock guard(mutex_);
  if (had_it && std::none_of(held.begin(), held.end(), is_this)) locks_[lock].owner = {};
  return had_it;
}

}  // namespace pdc
