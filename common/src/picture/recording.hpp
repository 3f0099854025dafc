// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "picture/arena.hpp"

/// What the arena holds, as plain data.
namespace pdc::detail {

/// What one process (with its children) or one MPI rank recorded during a scene; plain data that
/// can be sent.
struct RawLane {
  Label name;
  std::int32_t process;  // process id, or rank
  bool task;
};
struct RawBar {
  Label label;
  std::int64_t begin;  // ns
  std::int64_t end;
  std::int64_t posted;
  std::uint64_t message;
  std::uint32_t lane;
  Kind kind;
  Collective collective;
  bool root;
  bool fault = false;  // of a moment
};
struct Recording {
  std::vector<RawLane> lanes;
  std::vector<RawBar> bars;  // in the order in which they began to be recorded; lane none: a moment
  std::uint32_t dropped = 0;
};

/// The records of the arena from `first` on. A bar that is still open ends now. Requires: an arena.
Recording read_arena(std::uint32_t first);

}  // namespace pdc::detail
