// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

/// What clients have asked of a store of numbers, and whether one store that does one thing after
/// the other could have answered so: whether the history is linearizable (Maurice Herlihy and
/// Jeannette Wing, 1990). The search is that of Wing and Chun Gong (1993), with Gavin Lowe's
/// memory of what was tried (2017). Each key is looked at alone, which Herlihy and Wing have proved
/// to be enough.

constexpr int never = 1'000'000'000;

struct Operation {
  bool is_put;
  int key;
  int value;             // that is put, or that get was told; 0: nothing had been put
  int invoked;           // moments: each event of the history has its own, later ones are larger
  int returned = never;  // without an answer it may have been done, or may be later, or never
};

/// Requires: any history. It may take exponential time where very many overlap.
bool is_linearizable(const std::vector<Operation>& history);
