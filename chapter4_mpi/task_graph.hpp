// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/graph.hpp"

#include <fmt/core.h>
#include <Eigen/Cholesky>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The tasks of task_graph.cpp, without MPI: Cholesky's method, tile by tile.

constexpr int side = 16;  // rows and columns of a tile

using Tile = Eigen::MatrixXd;
using Tiles = std::vector<Tile>;

struct Task {
  std::string name;
  Tile (*run)(const Tile& in);     // of the tiles that it takes, side by side
  std::vector<int> tiles;          // their numbers; the first is the one that it changes
  std::vector<int> versions = {};  // of each: how often it was changed before, in a serial program
  std::set<int> followers = {};    // tasks that wait for this one
  int waits_for = 0;               // so many tasks
};

using Tasks = std::vector<Task>;

/// Tasks in the order of a serial program. Each waits for those that changed its tiles last; in this
/// method no task changes a tile that an earlier one still has to read.
struct Graph {
  void submit(std::string name, Tile (*run)(const Tile&), std::vector<int> tiles) {
    const int number = static_cast<int>(tasks.size());
    Task task{std::move(name), run, std::move(tiles)};
    for (const int tile : task.tiles) {
      task.versions.push_back(changes[tile]);
      if (changes[tile] == 0) continue;  // as it was at first
      if (tasks[last[tile]].followers.insert(number).second) ++task.waits_for;
    }
    last[task.tiles[0]] = number;
    ++changes[task.tiles[0]];
    tasks.push_back(std::move(task));
  }

  Tasks tasks = {};
  std::map<int, int> last = {}, changes = {};  // by tile: the task that changed it last, how often
};

// Named as in LAPACK: l of a tile on the diagonal, with l * l^T = a; l of one below it; what is left
// of one to the right of two.
inline Tile potrf(const Tile& in) {
  return in.leftCols(side).llt().matrixL();
}

inline Tile trsm(const Tile& in) {
  const auto l = in.middleCols(side, side).triangularView<Eigen::Lower>();
  return l.transpose().solve<Eigen::OnTheRight>(in.leftCols(side));
}

inline Tile gemm(const Tile& in) {
  return in.leftCols(side) - in.middleCols(side, side) * in.middleCols(2 * side, side).transpose();
}

inline Tasks cholesky(int rows) {
  Graph graph;
  const auto at = [rows](int row, int column) { return row * rows + column; };
  for (int k = 0; k < rows; ++k) {
    graph.submit(fmt::format("potrf {0} {0}", k), potrf, {at(k, k)});
    for (int i = k + 1; i < rows; ++i)
      graph.submit(fmt::format("trsm {} {}", i, k), trsm, {at(i, k), at(k, k)});
    for (int i = k + 1; i < rows; ++i) {
      for (int j = k + 1; j <= i; ++j)
        graph.submit(fmt::format("gemm {} {} {}", i, j, k), gemm, {at(i, j), at(i, k), at(j, k)});
    }
  }
  return graph.tasks;
}

inline std::vector<pdc::Edge> edges_of(const Tasks& tasks) {
  std::vector<pdc::Edge> edges;
  for (const Task& task : tasks) {
    for (const int follower : task.followers) edges.push_back({task.name, tasks[follower].name});
  }
  return edges;
}

/// 1 / (1 + |row - column|): symmetric and positive definite.
inline Eigen::MatrixXd whole_matrix(int rows) {
  return Tile::NullaryExpr(rows * side, rows * side, [](double row, double column) {
    return 1 / (1 + std::abs(row - column));
  });
}

/// Its tiles, row by row.
inline Tiles cut_matrix(int rows) {
  const Eigen::MatrixXd whole = whole_matrix(rows);
  Tiles tiles;
  for (int i = 0; i < rows * rows; ++i)
    tiles.emplace_back(whole.block(i / rows * side, i % rows * side, side, side));
  return tiles;
}

/// How far l * l^T is from the matrix, where l are the tiles on the diagonal and below it.
inline double residual(const Tiles& tiles, int rows) {
  Eigen::MatrixXd l = Tile::Zero(rows * side, rows * side);
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j <= i; ++j) l.block(i * side, j * side, side, side) = tiles[i * rows + j];
  }
  return (l * l.transpose() - whole_matrix(rows)).norm();
}
