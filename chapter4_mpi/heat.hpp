// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/image.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

/// The plate of heat.cpp: its cells, how warm each must be, and its image.

constexpr double flow = 0.2;  // in a step, of the difference to each neighbour; stable up to 0.25

struct Area {
  int top, bottom, left, right;  // of the plate's cells; bottom and right are the first beyond it

  int rows() const { return bottom - top; }
  int columns() const { return right - left; }
  bool has(int row, int column) const {
    return row >= top && row < bottom && column >= left && column < right;
  }
};

/// The plate at first: hot in the middle, half a wave down and half a wave across.
inline double wave(const Area& plate, int row, int column) {
  return std::sin(std::numbers::pi * (row + 1) / (plate.bottom + 1)) *
         std::sin(std::numbers::pi * (column + 1) / (plate.right + 1));
}

/// How high a wave of height 1 is after the steps: on such a grid it keeps its shape and only gets
/// lower, in each step by the same factor.
inline double height_after(int steps, const Area& plate) {
  const double both = std::cos(std::numbers::pi / (plate.bottom + 1)) +
                      std::cos(std::numbers::pi / (plate.right + 1));
  return std::pow(1 - 2 * flow * (2 - both), steps);
}

/// Cells in a ring of ghost cells, row by row.
struct Cells {
  explicit Cells(const Area& inside)
      : area(inside), values((inside.rows() + 2) * (inside.columns() + 2)) {}

  int stride() const { return area.columns() + 2; }
  double* at(int row, int column) {
    return &values[(row - area.top + 1) * stride() + column - area.left + 1];
  }
  const double* at(int row, int column) const { return const_cast<Cells*>(this)->at(row, column); }

  Area area;
  std::vector<double> values;
};

/// The whole plate on one rank, in the plainest loops.
inline Cells cool_serially(const Area& plate, int steps) {
  Cells now(plate), next(plate);
  for (int row = 0; row < plate.bottom; ++row)
    for (int i = 0; i < plate.right; ++i) *now.at(row, i) = wave(plate, row, i);
  for (int step = 0; step < steps; ++step) {
    for (int row = 0; row < plate.bottom; ++row) {
      for (int i = 0; i < plate.right; ++i) {
        const double here = *now.at(row, i);
        const double around =
            *now.at(row - 1, i) + *now.at(row + 1, i) + *now.at(row, i - 1) + *now.at(row, i + 1);
        *next.at(row, i) = here + flow * (around - 4 * here);
      }
    }
    std::swap(now, next);
  }
  return now;
}

struct Verdict {
  std::int64_t different = 0;                     // cells that are not those of the serial plate
  std::int64_t at_seams = 0, wrong_at_seams = 0;  // cells with a neighbour in another tile
  double off = 0;                                 // the farthest from the closed form
};

inline Verdict judge(const std::vector<Cells>& tiles, const Cells& serial, double height) {
  Verdict verdict;
  const Area& plate = serial.area;
  for (const Cells& tile : tiles) {
    for (int row = tile.area.top; row < tile.area.bottom; ++row) {
      for (int i = tile.area.left; i < tile.area.right; ++i) {
        const auto elsewhere = [&](int r, int c) {
          return plate.has(r, c) && !tile.area.has(r, c);
        };
        const bool at_seam = elsewhere(row - 1, i) || elsewhere(row + 1, i) ||
                             elsewhere(row, i - 1) || elsewhere(row, i + 1);
        const double cell = *tile.at(row, i);
        const bool wrong = cell != *serial.at(row, i);
        verdict.different += wrong;
        verdict.at_seams += at_seam;
        verdict.wrong_at_seams += wrong && at_seam;
        verdict.off = std::max(verdict.off, std::abs(cell - height * wave(plate, row, i)));
      }
    }
  }
  return verdict;
}

/// Both plates side by side as PNG, if the file has a name: black is cold, then red, yellow, white.
inline void write_image(const std::string& file, const Area& plate, const std::vector<Cells>& left,
                        const std::vector<Cells>& right) {
  if (file.empty()) return;
  pdc::Image image(2 * plate.columns(), plate.rows());
  const auto glow = [](double heat) {
    return static_cast<std::uint8_t>(255 * std::clamp(heat, 0.0, 1.0));
  };
  const auto paint = [&](const std::vector<Cells>& tiles, int x) {
    for (const Cells& tile : tiles) {
      for (int row = tile.area.top; row < tile.area.bottom; ++row) {
        for (int i = tile.area.left; i < tile.area.right; ++i) {
          const double heat = 3 * *tile.at(row, i);
          image.at(x + i, row) = {glow(heat), glow(heat - 1), glow(heat - 2)};
        }
      }
    }
  };
  paint(left, 0);
  paint(right, plate.columns());
  image.write(file);
}
