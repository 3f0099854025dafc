// SPDX-License-Identifier: MIT
#include "picture/recording.hpp"

#include <algorithm>

namespace pdc::detail {

Recording read_arena(std::uint32_t first) {
  const Arena& a = *arena.load();
  Recording result;
  const std::uint32_t lanes = std::min(a.lanes.load(), lane_capacity);
  for (std::uint32_t i = 0; i < lanes; ++i) {
    const LaneRecord& lane = a.lane[i];
    const bool complete =
        lane.complete.load(std::memory_order_acquire);  // if not, no bar stands in it
    result.lanes.push_back(complete ? RawLane{lane.name, lane.process, lane.task} : RawLane{});
  }
  const std::uint32_t last = std::min(a.records.load(), a.capacity);
  for (std::uint32_t i = first; i < last; ++i) {
    const Record& record = a.record[i];
    if (!record.complete.load(std::memory_order_acquire))
      continue;  // its process was killed in that moment
    const std::int64_t end = record.end.load();
    result.bars.push_back({record.label, record.begin, end != 0 ? end : now_ns(), record.posted,
                           record.message, record.lane, record.kind, record.collective, record.root,
                           record.fault});
  }
  result.dropped = a.dropped.load();
  return result;
}

}  // namespace pdc::detail
