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
  bench::share_out_and_copy(
      3, [&] { shared = run(mpi, false); },
      [&] { alone = Image(), compute(0, view.height, alone, mpi.lane(), [] {}); });
  const auto sum = pdc::mandelbrot_checksum(shared.pixels);
  return mpi.rank() == 0 && sum != pdc::mandelbrot_checksum(alone.pixels) ? 1 : 0;
}
