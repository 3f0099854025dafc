#pragma once

#include "pdc/print.hpp"
#include "pdc/workload.hpp"

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// The graph and the two problems of task_graph.cpp, all without MPI.

using Tile = Eigen::MatrixXd;
using Inputs = std::vector<const Tile*>;
using Function = std::function<Tile(const Inputs&)>;

struct Task {
  std::string name;
  Function function;
  std::vector<int> inputs;          // tasks whose results it takes
  std::vector<int> followers = {};  // tasks that take its result
  std::size_t inputs_done = 0;
  int maker = 0;               // the rank that ran it
  std::set<int> holders = {};  // this rank, and those that get the result
  Tile result = {};            // empty until it is here
};

/// Tasks by number. The result of the last one is wanted.
struct Graph : std::vector<Task> {
  std::set<int> ready = {};  // all inputs are done, and no rank has been told to run it

  /// Returns the number of the task, which stands for its result long before that is there.
  int submit(std::string name, Function function, std::vector<int> inputs = {}) {
    const int number = static_cast<int>(size());
    if (inputs.empty()) ready.insert(number);
    for (const int input : inputs) at(input).followers.push_back(number);
    push_back({std::move(name), std::move(function), std::move(inputs)});
    return number;
  }

  void set_done(int task, int rank) {
    at(task).holders = {at(task).maker = rank};
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
    for (const int task : std::exchange(graph.ready, {})) graph.set_done(task, 0);
  }
}

// Cholesky's method in tiles, its steps named as in LAPACK: l, with l * l^T = a, of a tile on the
// diagonal; l of one below; what is left of one to the right.
constexpr auto potrf = [](const Inputs& in) -> Tile { return in[0]->llt().matrixL(); };
constexpr auto trsm = [](const Inputs& in) -> Tile {
  return in[0]->triangularView<Eigen::Lower>().transpose().solve<Eigen::OnTheRight>(*in[1]);
};
constexpr auto gemm = [](const Inputs& in) -> Tile { return *in[0] - *in[1] * in[2]->transpose(); };

/// A tile of Lehmer's matrix, which is symmetric and positive definite.
inline Tile lehmer(double first_row, double first_column, Eigen::Index n) {
  return Tile::NullaryExpr(n, n, [=](double i, double j) {
    const double row = 1 + first_row + i, column = 1 + first_column + j;
    return std::min(row, column) / std::max(row, column);
  });
}

/// One matrix of the tiles that the last task has taken, column by column.
inline Tile join(const Graph& graph) {
  auto tile = graph.back().inputs.begin();
  const auto rows = std::lround(std::sqrt(graph.back().inputs.size()));
  const auto n = graph.at(*tile).result.rows();
  Tile whole(rows * n, rows * n);
  for (int k = 0; k < rows; ++k)
    for (int i = 0; i < rows; ++i) whole.block(i * n, k * n, n, n) = graph.at(*tile++).result;
  return whole;
}

/// l of rows x rows tiles, n x n each. Wrong on purpose if it forgets what gemm returns.
inline Graph cholesky(int rows, int n, bool forget) {
  Graph graph;
  const int zero = graph.submit("zero", [=](auto&) { return Tile(Tile::Zero(n, n)); });
  Eigen::MatrixXi a(rows, rows), l = Eigen::MatrixXi::Constant(rows, rows, zero);  // tasks
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j <= i; ++j)
      a(i, j) = graph.submit(fmt::format("load {} {}", i, j),
                             [=](auto&) { return lehmer(i * n, j * n, n); });
  for (int k = 0; k < rows; ++k) {
    l(k, k) = graph.submit(fmt::format("potrf {}", k), potrf, {a(k, k)});
    for (int i = k + 1; i < rows; ++i) {
      l(i, k) = graph.submit(fmt::format("trsm {} {}", i, k), trsm, {l(k, k), a(i, k)});
      for (int j = k + 1; j <= i; ++j) {
        const std::string name = fmt::format("gemm {} {} {}", i, j, k);
        const int left = graph.submit(name, gemm, {a(i, j), l(i, k), l(j, k)});
        if (!forget) a(i, j) = left;
      }
    }
  }
  graph.submit("gather", [](auto&) { return Tile(1, 1); }, {l.data(), l.data() + l.size()});
  return graph;
}

constexpr int blocks = 11, block_size = 20'000;  // numbers

/// The primes in each block, added by pairs, those sums by pairs, until one is left.
inline Graph prime_tree() {
  Graph graph;
  for (int i = 0; i < blocks; ++i)
    graph.submit(fmt::format("count {}", i), [=](auto&) -> Tile {
      const auto primes = pdc::count_primes(i * block_size, (i + 1) * block_size);
      return Tile::Constant(1, 1, static_cast<double>(primes));
    });
  const auto add = [](const Inputs& in) -> Tile { return *in[0] + *in[1]; };
  for (int i = 0; i + 1 < std::ssize(graph); i += 2)  // a sum is the next task
    graph.submit(fmt::format("add {} {}", i, i + 1), add, {i, i + 1});
  return graph;
}
