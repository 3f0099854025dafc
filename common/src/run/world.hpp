// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "picture/recording.hpp"

/// Which process of the run this one is.
namespace pdc::detail {

/// What an MPI session adds to a run. Without one: a world of one rank.
struct World {
  int rank = 0;
  int size = 1;
  Recording (*gather)(Recording) = nullptr;  // collective; all ranks' records on rank 0
  std::string (*audit)() = nullptr;          // collective; on rank 0 what MPI was left with
  void (*meet)() = nullptr;                  // collective: returns when all have come
  std::vector<std::string> (*gather_texts)(const std::string&) = nullptr;  // collective; on rank 0
  int (*agree)(int status) = nullptr;   // collective: the highest one, when all have come
  void (*leave)() = nullptr;            // collective: MPI ends, the process goes on
  void (*abort)(int status) = nullptr;  // all ranks end; does not return
};
World& world();

/// True in the process that made the Program and may speak for it: rank 0, not a forked child.
bool is_narrator() noexcept;
/// True in a forked child of the process that made the Program.
bool is_child() noexcept;

}  // namespace pdc::detail
