// SPDX-License-Identifier: MIT
#include "picture/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "pdc/process.hpp"

namespace pdc {
namespace detail {
namespace {

static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
                  std::atomic<bool>::is_always_lock_free,
              "the arena is shared between processes");

std::size_t arena_size(std::uint32_t capacity) {
  return sizeof(Arena) + sizeof(Record) * capacity;
}

/// A fresh record, or null when the arena is full.
Record* claim(Arena& a) {
  const std::uint32_t index = a.records.fetch_add(1, std::memory_order_relaxed);
  if (index < a.capacity) return &a.record[index];
  a.records.fetch_sub(1, std::memory_order_relaxed);  // stays near the capacity and never wraps
  a.dropped.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

Record* record_of(const Span& span) {
  Arena* a = arena.load(std::memory_order_relaxed);
  return a != nullptr && span.record() != none ? &a->record[span.record()] : nullptr;
}

}  // namespace

std::atomic<Arena*> arena = nullptr;
std::atomic<int> pauses = 0;

void make_arena(std::uint32_t capacity) {
  void* place = mmap(nullptr, arena_size(capacity), PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (place == MAP_FAILED) throw_errno("mmap");
  auto* a = static_cast<Arena*>(place);  // all zero, which is a valid start for every member
  a->owner = getpid();
  a->capacity = capacity;
  arena = a;
}

void drop_arena() noexcept {
  Arena* a = arena.exchange(nullptr);
  if (a != nullptr) munmap(a, arena_size(a->capacity));
}

std::int64_t now_ns() noexcept {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Paused::Paused() noexcept {
  pauses.fetch_add(1, std::memory_order_relaxed);
}
Paused::~Paused() {
  pauses.fetch_sub(1, std::memory_order_relaxed);
}

void drop_broken_character(Label& label) noexcept {
  std::size_t start = label.size() - 2;  // of the last character; the label ends with a zero
  while (start > 0 && (label[start] & 0xc0) == 0x80) --start;
  const auto lead = static_cast<unsigned char>(label[start]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (start + length < label.size()) return;
  std::fill(label.begin() + static_cast<std::ptrdiff_t>(start), label.end(), '\0');
}

void set_message(const Span& span, std::uint64_t message) noexcept {
  if (Record* record = record_of(span)) record->message = message;
}

void set_posted(const Span& span, std::int64_t posted) noexcept {
  if (Record* record = record_of(span)) record->posted = posted;
}

void set_collective(const Span& span, std::uint64_t call, Collective kind, bool root) noexcept {
  if (Record* record = record_of(span)) {
    record->message = call;
    record->collective = kind;
    record->root = root;
  }
}

}  // namespace detail

bool recording() noexcept {
  return detail::is_recording();
}

Span::Span(std::uint32_t lane, Kind kind, const Label& label) noexcept {
  detail::Arena* a = detail::arena.load(std::memory_order_relaxed);
  if (a == nullptr) return;
  if (lane == detail::none) {  // its lane had no place
    a->dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  lane_ = lane;
  detail::LaneRecord& row = a->lane[lane];
  if (row.process == 0) row.process = getpid();  // who uses it first, whoever made it
  outer_ = row.now.load(std::memory_order_relaxed);
  if (detail::Record* record = detail::claim(*a)) {
    record->lane = lane;
    record->outer = outer_;
    record->kind = kind;
    record->label = label;
    record->begin = detail::now_ns();
    record->posted = record->begin;
    record->complete.store(true, std::memory_order_release);
    record_ = static_cast<std::uint32_t>(record - a->record);
  }
  row.now.store(record_, std::memory_order_release);
}

void Span::end() noexcept {
  const std::uint32_t lane = std::exchange(lane_, detail::none);
  detail::Arena* a = detail::arena.load(std::memory_order_relaxed);
  if (lane == detail::none || a == nullptr) return;
  if (record_ != detail::none)
    a->record[record_].end.store(detail::now_ns(), std::memory_order_relaxed);
  std::atomic<std::uint32_t>& now = a->lane[lane].now;
  if (now.load(std::memory_order_relaxed) != record_) return;  // what began within it goes on
  std::uint32_t open = outer_;
  while (open != detail::none && a->record[open].end.load(std::memory_order_relaxed) != 0)
    open = a->record[open].outer;
  now.store(open, std::memory_order_release);
}

void Span::set_label(const Label& label) noexcept {
  if (detail::Record* record = detail::record_of(*this)) record->label = label;
}

Lane::Lane(const Label& name, bool is_task) noexcept : index_(detail::none) {
  detail::Arena* a = detail::arena.load(std::memory_order_relaxed);
  if (a == nullptr) return;
  const std::uint32_t index = a->lanes.fetch_add(1, std::memory_order_relaxed);
  if (index >= detail::lane_capacity) {  // no place: its spans will be counted as dropped
    a->lanes.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  detail::LaneRecord& row = a->lane[index];
  row.name = name;
  row.task = is_task;
  row.now = detail::none;
  row.complete.store(true, std::memory_order_release);
  index_ = index;
}

std::string Lane::name() const {
  const detail::Arena* a = detail::arena.load(std::memory_order_relaxed);
  return a == nullptr || index_ == detail::none ? "" : a->lane[index_].name.data();
}

namespace {
void record_moment(std::string_view what, bool fault) noexcept {
  if (!recording()) return;
  detail::Arena* a = detail::arena.load(std::memory_order_relaxed);
  if (detail::Record* record = detail::claim(*a)) {
    record->lane = detail::none;
    record->label = detail::label("{}", what);
    record->fault = fault;
    record->begin = detail::now_ns();
    record->end.store(record->begin, std::memory_order_relaxed);
    record->complete.store(true, std::memory_order_release);
  }
}
}  // namespace

void mark(std::string_view what) noexcept {
  record_moment(what, false);
}

void fault(std::string_view what) noexcept {
  record_moment(what, true);
}

}  // namespace pdc
