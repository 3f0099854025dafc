// SPDX-License-Identifier: MIT
/// The page's Cholesky by all ranks, beside a copy of all of it on each, one by one; and a graph of
/// small tasks, for what a task costs.

#define main task_graph_main  // its page is a whole program
#include "task_graph.cpp"
#undef main

#include "mpi_bench.hpp"

namespace {

Worker run_all(const pdc::mpi::Session& mpi, const Graph& graph) {
  Worker worker{mpi, graph};
  worker.run();
  return worker;
}

Graph run_one_by_one(Graph graph) {
  for (Task& task : graph) {
    Inputs inputs;
    for (const int input : task.inputs) inputs.push_back(&graph.at(input).result);
    task.result = task.function(inputs);
  }
  return graph;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Graph large = cholesky(8, false), small = cholesky(10, false, 16);
  Graph shared, alone;
  bench::share_out_and_copy(
      3, [&] { shared = run_all(mpi, large).graph; }, [&] { alone = run_one_by_one(large); });
  std::vector<double> times;
  for (int i = 0; i < 11; ++i)
    times.push_back(bench::time_together([&] { run_all(mpi, small); }) /
                    static_cast<double>(small.size()));
  bench::say("task", bench::median(times));
  return mpi.rank() == 0 && residual(shared, 8) != residual(alone, 8) ? 1 : 0;
}
