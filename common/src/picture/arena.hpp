// SPDX-License-Identifier: MIT
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>

#include "pdc/timeline.hpp"

/// Inside of the timeline: the memory that a program and its forked children share.
namespace pdc::detail {

inline constexpr std::uint32_t lane_capacity = 1024;

/// How the ranks of a collective call depend on each other: nobody leaves before all came (all),
/// before the root came (root_gives), the root not before all came (root_takes), or less than that
/// (loose).
enum class Collective : std::uint8_t { no, loose, all, root_gives, root_takes };

struct Record {
  std::int64_t begin;             // ns of the steady clock
  std::atomic<std::int64_t> end;  // 0 while open
  std::int64_t posted;  // when it could first be matched with a message: its begin, or before
  std::uint64_t
      message;  // equal in the two ends of a message or in all parts of a collective; 0: by label
  std::uint32_t lane;   // none: a moment
  std::uint32_t outer;  // what was open in the lane around this, or none
  Kind kind;
  Collective collective;
  bool root;
  bool fault;                  // of a moment
  std::atomic<bool> complete;  // false until all of the above is there
  Label label;
};

struct LaneRecord {
  Label name;
  std::atomic<bool> complete;
  bool task;
  pid_t process;                   // 0 until its first span
  std::atomic<std::uint32_t> now;  // the record that is open in it, or none
};

struct Arena {
  pid_t owner;
  std::atomic<int> verdict;            // status that a child asks its owner to end with; 0: none
  std::atomic<bool> ending;            // somebody is ending the program
  std::atomic<std::int64_t> progress;  // when a child last told of some; 0: never
  std::atomic<std::uint32_t> lanes;
  std::atomic<std::uint32_t> records;
  std::atomic<std::uint32_t> dropped;
  std::uint32_t capacity;
  std::array<LaneRecord, lane_capacity> lane;
  Record record[1];  // capacity of them
};

/// The arena of this process or null. Written by make_arena and drop_arena only.
extern std::atomic<Arena*> arena;

/// How many detail::Paused there are.
extern std::atomic<int> pauses;

/// pdc::recording(), where each nanosecond counts.
inline bool is_recording() noexcept {
  return arena.load(std::memory_order_relaxed) != nullptr &&
         pauses.load(std::memory_order_relaxed) == 0;
}

/// Makes the arena. Requires: none there. Errors: std::system_error.
void make_arena(std::uint32_t capacity = 1U << 16);
void drop_arena() noexcept;

/// Now, in nanoseconds of the clock of the records (std::chrono::steady_clock, CLOCK_MONOTONIC).
std::int64_t now_ns() noexcept;

/// A fresh record, or null when the arena is full.
Record* claim(Arena& a) noexcept;

/// The span's record, or null if it has none.
Record* record_of(const Span& span) noexcept;

/// Ties an open span to a message or to a collective call.
void set_message(const Span& span, std::uint64_t message) noexcept;
void set_posted(const Span& span, std::int64_t posted) noexcept;
void set_collective(const Span& span, std::uint64_t call, Collective kind, bool root) noexcept;

}  // namespace pdc::detail
