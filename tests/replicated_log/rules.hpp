// SPDX-License-Identifier: MIT
#pragma once

#include "raft.hpp"

#include <algorithm>
#include <functional>
#include <vector>

/// What the page has, written in another way.
inline raft::Index majority(std::vector<raft::Index> written) {
  std::ranges::sort(written, std::greater());
  return written.at(written.size() / 2);
}

inline raft::Index any_one(std::vector<raft::Index> written) {
  return *std::ranges::max_element(written);
}
