// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <utility>

#include "pdc/timeline.hpp"

/// The evidence that pages need about who is where at the same time, taken by counting and never by
/// the clock. All of it works between threads, between processes that share it (pdc::Shared), and
/// between the tasks of an event loop.
namespace pdc {

/// Counts who is inside, and how many at most ever were.
///
///     pdc::Gauge at_work;
///     const auto visit = at_work.visit();  // inside until the closing brace
///
/// Guarantees: it orders nothing (memory_order_relaxed), so it protects nothing: what keeps others
/// out is what the page shows, and ThreadSanitizer still sees where that is missing. Thread safety:
/// any, lock-free. Errors: none; what is killed inside stays inside.
class Gauge {
 public:
  void enter() noexcept;
  void leave() noexcept { inside_.fetch_sub(1, std::memory_order_relaxed); }

  int inside() const noexcept { return inside_.load(std::memory_order_relaxed); }
  int most() const noexcept { return most_.load(std::memory_order_relaxed); }

  class [[nodiscard]] Visit {
   public:
    explicit Visit(Gauge& gauge) noexcept : gauge_(gauge) { gauge_.enter(); }
    Visit(const Visit&) = delete;
    ~Visit() { gauge_.leave(); }

   private:
    Gauge& gauge_;
  };
  /// Enters; leaves at the end of the scope.
  Visit visit() noexcept { return Visit(*this); }

 private:
  std::atomic<int> inside_ = 0, most_ = 0;
};

/// The bad moment, at which all meet who can: the same call is certain to do its damage where
/// nothing protects, and does no harm (and does not hang) where something does.
///
///     pdc::Meeting all_have_read(threads);
///     auto wait = all_have_read.wait_outside(lane, "mutex");  // is kept out while it sleeps here
///     const std::scoped_lock lock(mutex);
///     wait.end();
///     const int seen = counter;
///     all_have_read.meet();  // with the lock taken out, all are here
///     counter = seen + 1;
///
/// Who comes stays until each of the others is here too, or can certainly not come: it sleeps in
/// wait_outside() as the kernel says (a thread that only passes there does not sleep), has ended or
/// was killed, or has called leave(). Then all who are here go on together, and the next ones to
/// come meet again, those who are left.
///
/// Guarantees: as a barrier, what was done before it is seen by all who met. Thread safety: any,
/// lock-free; it asks again and again, and never gives up after a time. Errors: none. A party that
/// lives on and neither comes, waits outside nor leaves keeps the others, as a barrier does.
class Meeting {
 public:
  static constexpr int capacity = 128;

  /// A party is a thread, a process, or a task. Requires: 1 to capacity of them; if more than one,
  /// no other takes the place of one that has ended.
  explicit Meeting(int parties) noexcept;
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;

  /// Waiting for what may keep this party out, and a bar for it, until its end.
  class [[nodiscard]] Outside {
   public:
    explicit Outside(Span span, std::atomic<pid_t>* place = nullptr) noexcept
        : place_(place), span_(std::move(span)) {}
    Outside(Outside&& from) noexcept
        : place_(std::exchange(from.place_, nullptr)), span_(std::move(from.span_)) {}
    Outside& operator=(Outside&&) = delete;
    ~Outside() { end(); }
    void end() noexcept;

   private:
    std::atomic<pid_t>* place_;
    Span span_;
  };
  template <class... Args>
  Outside wait_outside(const Lane& lane, fmt::format_string<Args...> what, Args&&... args) {
    return wait_outside(lane.wait<Args...>(what, std::forward<Args>(args)...));
  }
  /// The same with a bar that was begun elsewhere.
  Outside wait_outside(Span bar) noexcept { return Outside(std::move(bar), &stand_outside()); }

  /// Comes, and stays as said above.
  void meet() noexcept;

  /// The same for the task of an event loop, which must not block its thread:
  /// `for (const auto round = meeting.come(); !meeting.is_over(round);) co_await asio::post(...);`
  /// A task counts as kept out as long as it waits outside, and has to leave() at its end.
  std::uint32_t come() noexcept;
  bool is_over(std::uint32_t round) noexcept;

  /// This party will not come any more, although its thread lives on.
  void leave() noexcept;

  /// How many at most were here together.
  int met() const noexcept { return met_.load(std::memory_order_relaxed); }

 private:
  std::atomic<pid_t>& stand_outside() noexcept;
  void join() noexcept;
  int count_absent(int here) const noexcept;

  const int parties_;
  std::atomic<std::uint64_t> state_ = 0;  // the round, and below it how many are here
  std::atomic<int> met_ = 0, left_ = 0;
  // Threads, as the kernel numbers them; 0: a free place.
  std::array<std::atomic<pid_t>, capacity> joined_ = {}, outside_ = {};
};

}  // namespace pdc
