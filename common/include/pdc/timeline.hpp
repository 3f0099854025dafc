// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "pdc/label.hpp"

/// Who did what when. A lane is one row of the picture (a thread, a process, a task of an event
/// loop), a span is one bar in it, open from its construction to its destruction:
///
///     const pdc::Lane lane("runner {}", number);
///     const auto wait = lane.wait("barrier");
///     all_here.arrive_and_wait();
///
/// Records go into an arena that threads and forked children share, without a lock, as long as a
/// pdc::Program exists; without one, spans cost a test of a flag and are not kept. A full arena drops
/// what comes later, and the picture says how much. Thread safety: lanes may be made anywhere at any
/// time; one lane is used by one thread or task at a time. Errors: none; text longer than its place
/// is cut. Cost: well below 1 us a span.
namespace pdc {

/// What a span means: computing, waiting, holding a lock or a place, sending, taking a message.
enum class Kind : std::uint8_t { work, wait, hold, send, receive };

/// True while spans are kept: a pdc::Program is there and nothing pauses.
bool recording() noexcept;

namespace detail {
inline constexpr std::uint32_t none = 0xffffffff;

/// Recording between two calls is left out: for the inner loops of measurements. Nests.
class Paused {
 public:
  Paused() noexcept;
  ~Paused();
  Paused(const Paused&) = delete;
  Paused& operator=(const Paused&) = delete;
};
}  // namespace detail

/// One bar of the picture, from construction to destruction. Moving hands the bar on.
class [[nodiscard]] Span {
 public:
  Span() = default;  // one that is not kept
  Span(std::uint32_t lane, Kind kind, const Label& label) noexcept;
  Span(Span&& from) noexcept
      : lane_(std::exchange(from.lane_, detail::none)),
        record_(from.record_),
        outer_(from.outer_) {}
  Span& operator=(Span&&) = delete;
  ~Span() {
    if (lane_ != detail::none) end();
  }

  /// Ends the bar before the scope does.
  void end() noexcept;

  /// Names the bar when its name is known only now, as that of a message is after it came.
  template <class... Args>
  void rename(fmt::format_string<Args...> text, Args&&... args) {
    set_label(detail::label(text, std::forward<Args>(args)...));
  }

  /// Its place in the arena, or detail::none.
  std::uint32_t record() const noexcept { return record_; }

 private:
  void set_label(const Label& label) noexcept;

  std::uint32_t lane_ = detail::none;
  std::uint32_t record_ = detail::none;
  std::uint32_t outer_ = detail::none;  // what the lane was doing around this
};

/// Tells Lane that it is a task of an event loop: it shares its thread with others.
struct Task {};
inline constexpr Task task{};

/// One row of the picture. Rows stand in the order in which they were made, those that differ only
/// in a number at the end together and by it. A copy is the same row. Spans of one lane nest. A
/// send and a receive of the same label in two lanes are a message, and an arrow joins them.
class Lane {
 public:
  template <class... Args>
  explicit Lane(fmt::format_string<Args...> name, Args&&... args)
      : Lane(detail::label(name, std::forward<Args>(args)...), false) {}
  template <class... Args>
  Lane(Task, fmt::format_string<Args...> name, Args&&... args)
      : Lane(detail::label(name, std::forward<Args>(args)...), true) {}

  /// Empty without a Program, or when there was no place for it.
  std::string name() const;

  template <class... Args>
  Span span(Kind kind, fmt::format_string<Args...> what, Args&&... args) const {
    if (!recording()) return {};
    return {index_, kind, detail::label(what, std::forward<Args>(args)...)};
  }
  template <class... Args>
  Span work(fmt::format_string<Args...> what, Args&&... args) const {
    return span<Args...>(Kind::work, what, std::forward<Args>(args)...);
  }
  template <class... Args>
  Span wait(fmt::format_string<Args...> what, Args&&... args) const {
    return span<Args...>(Kind::wait, what, std::forward<Args>(args)...);
  }
  template <class... Args>
  Span hold(fmt::format_string<Args...> what, Args&&... args) const {
    return span<Args...>(Kind::hold, what, std::forward<Args>(args)...);
  }
  template <class... Args>
  Span send(fmt::format_string<Args...> what, Args&&... args) const {
    return span<Args...>(Kind::send, what, std::forward<Args>(args)...);
  }
  template <class... Args>
  Span receive(fmt::format_string<Args...> what, Args&&... args) const {
    return span<Args...>(Kind::receive, what, std::forward<Args>(args)...);
  }

 private:
  Lane(const Label& name, bool is_task) noexcept;

  std::uint32_t index_;
};

/// A moment that concerns all lanes, drawn through the whole picture: `pdc::mark("all here")`.
void mark(std::string_view what) noexcept;

/// The moment at which something has gone wrong, drawn in red: `pdc::fault("update lost")`.
void fault(std::string_view what) noexcept;

}  // namespace pdc
