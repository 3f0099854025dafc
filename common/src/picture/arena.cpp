// SPDX-License-Identifier: MIT
#include "picture/arena.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <chrono>

#include "pdc/process.hpp"

namespace pdc::detail {
namespace {

static_assert(std::atomic<std::int64_t>::is_always_lock_free &&
                  std::atomic<bool>::is_always_lock_free,
              "the arena is shared between processes");

std::size_t arena_size(std::uint32_t capacity) {
  return sizeof(Arena) + sizeof(Record) * capacity;
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

Record* claim(Arena& a) noexcept {
  const std::uint32_t index = a.records.fetch_add(1, std::memory_order_relaxed);
  if (index < a.capacity) return &a.record[index];
  a.records.fetch_sub(1, std::memory_order_relaxed);  // stays near the capacity and never wraps
  a.dropped.fetch_add(1, std::memory_order_relaxed);
  return nullptr;
}

Record* record_of(const Span& span) noexcept {
  Arena* a = arena.load(std::memory_order_relaxed);
  return a != nullptr && span.record() != none ? &a->record[span.record()] : nullptr;
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

}  // namespace pdc::detail
