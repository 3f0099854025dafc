/// The page's Cholesky by all ranks, beside a copy of all of it on each, one by one; and a graph of
/// small tasks, for what a task costs.

#define main task_graph_main  // its page is a whole program
#include "task_graph.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Graph large = cholesky(8, 128), small = cholesky(10, 16);
  std::map<int, Tile> shared, alone;
  bench::share_out_and_copy(
      mpi, 3, [&] { shared = run_graph(mpi, large).results; },
      [&] { alone = run_one_by_one(large); });
  std::vector<double> times;
  for (int i = 0; i < 11; ++i)
    times.push_back(bench::time_together([&] { run_graph(mpi, small); }) / small.size());
  bench::say(mpi, "task", bench::median(times));
  return mpi.rank() == 0 && same_tiles(large, shared, alone) != large.last.size() ? 1 : 0;
}
