// SPDX-License-Identifier: MIT
/// The image by all ranks, bands on request as in the page, beside a copy of all of it on each.

#define main mandelbrot_mpi_main  // its page is a whole program
#include "mandelbrot_mpi.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  Image shared, alone;
  int not_looked = 0;
  bench::share_out_and_copy(
      3, [&] { shared = on_request(mpi, not_looked); },
      [&] {
        alone = Image();
        compute(0, view.height, alone, mpi.lane(), [] {});
      });
  return mpi.rank() != root || shared.iterations == alone.iterations ? 0 : 1;
}
