// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

/// The plate of heat.cpp: its cells, and what they have to be: those of one rank that has them all.

constexpr double flow = 0.2;  // in a step, of the difference to each neighbour; stable up to 0.25

struct Area {
  int top, bottom, left, right;  // of the plate's cells; bottom and right are the first beyond it

  int rows() const { return bottom - top; }
  int columns() const { return right - left; }
};

/// Cells in a ring of ghost cells, row by row.
struct Cells {
  explicit Cells(const Area& inside)
      : area(inside), values((inside.rows() + 2) * (inside.columns() + 2)) {}

  int stride() const { return area.columns() + 2; }
  int place(int row, int column) const {
    return (row - area.top + 1) * stride() + column - area.left + 1;
  }
  double& at(int row, int column) { return values[place(row, column)]; }
  const double& at(int row, int column) const { return values[place(row, column)]; }

  Area area;
  std::vector<double> values;
};

/// A part of the plate at first: hot in the middle, half a wave down and half a wave across.
inline Cells hot_cells(const Area& plate, const Area& part) {
  Cells cells(part);
  for (int row = part.top; row < part.bottom; ++row) {
    for (int i = part.left; i < part.right; ++i) {
      cells.at(row, i) = std::sin(std::numbers::pi * (row + 1) / (plate.bottom + 1)) *
                         std::sin(std::numbers::pi * (i + 1) / (plate.right + 1));
    }
  }
  return cells;
}

/// The whole plate on one rank, in the plainest loops.
inline Cells cool_serially(const Area& plate, int steps) {
  Cells now = hot_cells(plate, plate), next(plate);
  for (int step = 0; step < steps; ++step) {
    for (int row = 0; row < plate.bottom; ++row) {
      for (int i = 0; i < plate.right; ++i) {
        const double here = now.at(row, i);
        const double around =
            now.at(row - 1, i) + now.at(row + 1, i) + now.at(row, i - 1) + now.at(row, i + 1);
        next.at(row, i) = here + flow * (around - 4 * here);
      }
    }
    std::swap(now, next);
  }
  return now;
}

/// Of a tile. Three numbers, and nothing else: that is how MPI adds them up.
struct Verdict {
  std::int64_t same = 0;                          // cells that are those of the serial plate
  std::int64_t at_seams = 0, wrong_at_seams = 0;  // cells with a neighbour in another tile
};

inline Verdict judge(const Cells& tile, const Cells& serial) {
  Verdict verdict;
  const Area& area = tile.area;
  for (int row = area.top; row < area.bottom; ++row) {
    for (int i = area.left; i < area.right; ++i) {
      const bool same = tile.at(row, i) == serial.at(row, i);
      const bool at_seam = (row == area.top && row > 0) ||
                           (row == area.bottom - 1 && row < serial.area.bottom - 1) ||
                           (i == area.left && i > 0) ||
                           (i == area.right - 1 && i < serial.area.right - 1);
      if (same) ++verdict.same;
      if (at_seam) ++verdict.at_seams;
      if (at_seam && !same) ++verdict.wrong_at_seams;
    }
  }
  return verdict;
}
