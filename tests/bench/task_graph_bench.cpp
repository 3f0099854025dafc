// SPDX-License-Identifier: MIT
/// The page's Cholesky in small tiles, for what a task costs that rank 0 deals out to all others.

#define main task_graph_main  // its page is a whole program
#include "task_graph.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  constexpr int rows = 10;
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Tasks tasks = make_graph(cholesky(rows));
  const Tiles tiles = cut_matrix(rows);
  Outcome outcome;
  std::vector<double> times;
  for (int i = 0; i < 11; ++i) {
    const double time = bench::time_together(
        [&] { outcome = run(mpi, tasks, tiles, Edges::heeded, milliseconds(0)); });
    times.push_back(time / static_cast<double>(tasks.size()));
  }
  bench::say("task", bench::median(times));
  return mpi.rank() != root || residual(outcome.tiles, rows) < 1e-10 ? 0 : 1;
}
