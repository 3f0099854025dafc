// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// What task_graph.cpp computes: Cholesky's method, tile by tile. It is done by Eigen, which takes
/// long to compile, and so has a source file of its own.

constexpr int side = 16, tile_size = side * side;  // rows and columns of a tile; its numbers

using Tile = std::vector<double>;  // column by column; several tiles stand one after the other
using Tiles = std::vector<Tile>;

/// A step of the serial program.
struct Step {
  std::string name;
  Tile (*run)(const Tile& in);  // of the tiles that it takes
  std::vector<int> tiles;  // their numbers, at most three; the first is the one that it changes
};

/// `rows` are rows of tiles, here and below. Requires: rows >= 1.
std::vector<Step> cholesky(int rows);

/// The tiles, row by row, of the matrix 1 / (1 + |row - column|): symmetric and positive definite.
Tiles cut_matrix(int rows);

/// How far l * l^T is from the matrix, where l are the tiles on the diagonal and below it.
double residual(const Tiles& tiles, int rows);
