// SPDX-License-Identifier: MIT
/// A step of the page's plate, 4000 x 4000 cells, halo included; with an argument, so many for each rank.

#define main heat_main  // its page is a whole program
#include "heat.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const int rows = argc > 1 ? 4000 * mpi.size() : 4000;
  Tile tile(mpi, {0, rows, 0, 4000});
  std::vector<double> times;
  step(tile, mpi.lane());  // touches the memory
  for (int i = 0; i < 9; ++i)
    times.push_back(bench::time_together([&] { step(tile, mpi.lane()); }));
  bench::say("step", bench::median(times));
}
