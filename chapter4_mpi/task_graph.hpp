// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/print.hpp"
#include "pdc/workload.hpp"

#include <Eigen/Cholesky>

#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The graph and the two problems of task_graph.cpp, all without MPI.

using Tile = Eigen::MatrixXd;
using Inputs = std::vector<const Tile*>;

struct Task {
  int number;
  std::string name;
  std::function<Tile(const Inputs&)> function;
  std::vector<int> inputs;          // tasks whose results it takes
  std::vector<int> followers = {};  // tasks that take its result
  std::size_t inputs_done = 0;
  int times_done = 0;
  int runner = 0;              // the rank that it was dealt to
  std::set<int> holders = {};  // this rank, and those that get the result
  Tile result = {};            // empty until it is here
};

/// Tasks by number. The result of the last one is wanted.
struct Graph : std::vector<Task> {
  int side = 1;              // rows and columns of a result
  std::set<int> ready = {};  // tasks to deal out: all their inputs are done

  /// Returns the number of the task, which stands for its result long before that is there.
  int submit(std::string name, std::vector<int> inputs, auto function) {
    const int number = static_cast<int>(size());
    if (inputs.empty()) ready.insert(number);
    for (const int input : inputs) at(input).followers.push_back(number);
    push_back({number, std::move(name), std::move(function), std::move(inputs)});
    return number;
  }

  void set_done(int task) {
    ++at(task).times_done;
    for (const int next : at(task).followers)
      if (++at(next).inputs_done == at(next).inputs.size()) ready.insert(next);
  }
};

/// A line for each level: tasks that need only those of the lines above, so not one another.
inline void say_levels(Graph graph) {
  while (!graph.ready.empty()) {
    std::string line;
    for (const int task : graph.ready) line += "  " + graph[task].name;
    pdc::say("{:.98}", line);
    for (const int task : std::exchange(graph.ready, {})) graph.set_done(task);
  }
}

/// A tile of 1 / (1 + |row - column|), a matrix that is symmetric and positive definite.
inline Tile load(int i, int j, int n) {
  return Tile::NullaryExpr(n, n, [=](double row, double column) {
    return 1 / (1 + std::abs(i * n + row - j * n - column));
  });
}

// Cholesky's method in tiles, its steps named as in LAPACK: what is left of a tile; l of one on the
// diagonal, with l * l^T = a; l of one below.
constexpr auto gemm = [](const Inputs& in) -> Tile { return *in[0] - *in[1] * in[2]->transpose(); };
constexpr auto potrf = [](const Inputs& in) -> Tile { return in[0]->llt().matrixL(); };
constexpr auto trsm = [](const Inputs& in) -> Tile {
  return in[1]->triangularView<Eigen::Lower>().transpose().solve<Eigen::OnTheRight>(*in[0]);
};

/// l of rows x rows tiles, n x n each. Wrong on purpose if it forgets what gemm returns.
inline Graph cholesky(int rows, bool forget, int n = 128) {
  Graph graph{{}, n};
  Eigen::MatrixXi l(rows, rows);  // tasks
  std::vector<int> all;           // of l, column by column
  for (int j = 0; j < rows; ++j)
    for (int i = j; i < rows; ++i) {
      const std::string at = fmt::format(" {} {}", i, j);
      int a = graph.submit("load" + at, {}, [=](auto&) { return load(i, j, n); });
      for (int k = 0; k < j; ++k) {
        const int left = graph.submit(fmt::format("gemm{} {}", at, k), {a, l(i, k), l(j, k)}, gemm);
        if (!forget) a = left;
      }
      l(i, j) = i == j ? graph.submit("potrf" + at, {a}, potrf)
                       : graph.submit("trsm" + at, {a, l(j, j)}, trsm);
      all.push_back(l(i, j));
    }
  graph.submit("gather", all, [](auto&) { return Tile(); });
  return graph;
}

/// How far l * l^T is from the matrix; NaN if an element of l is.
inline double residual(const Graph& graph, int rows) {
  const int n = graph.side;
  Tile l = Tile::Zero(rows * n, rows * n);
  auto task = graph.back().inputs.begin();
  for (int j = 0; j < rows; ++j)
    for (int i = j; i < rows; ++i) l.block(i * n, j * n, n, n) = graph[*task++].result;
  return (l * l.transpose() - load(0, 0, rows * n)).norm();
}

constexpr int numbers = 220'000, block = 20'000, primes = 19'618;  // primes below the numbers

/// The primes in each block, added by pairs, those sums by pairs, until one is left.
inline Graph prime_tree() {
  Graph graph;
  for (int first = 0; first < numbers; first += block)
    graph.submit(fmt::format("count {}", first / block), {}, [=](auto&) -> Tile {
      return Tile::Constant(1, 1, static_cast<double>(pdc::count_primes(first, first + block)));
    });
  for (int i = 0; i + 1 < std::ssize(graph); i += 2)  // a sum is the next task
    graph.submit(fmt::format("add {} {}", i, i + 1), {i, i + 1},
                 [](auto& in) -> Tile { return *in[0] + *in[1]; });
  return graph;
}
