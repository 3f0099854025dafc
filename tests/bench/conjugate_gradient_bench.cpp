// SPDX-License-Identifier: MIT
/// A solution of the page for 4 Mi unknowns; with an argument, for so many on each rank.

#define main conjugate_gradient_main  // its page is a whole program
#include "conjugate_gradient.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Part part(MPI_COMM_WORLD, (1 << 22) * (argc > 1 ? mpi.size() : 1));
  std::vector<double> times;
  for (int i = 0; i < bench::blocks(5); ++i) {
    times.push_back(bench::time_together([&] { solve(mpi, part, sum_over_all); }));
  }
  bench::say("solution", bench::median(times));
}
