// SPDX-License-Identifier: MIT
#include "pdc/timeline.hpp"

#include <unistd.h>

#include "picture/arena.hpp"

namespace pdc {

detail::Paused::Paused() noexcept {
  detail::pauses.fetch_add(1, std::memory_order_relaxed);
}

detail::Paused::~Paused() {
  detail::pauses.fetch_sub(1, std::memory_order_relaxed);
}

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
