// SPDX-License-Identifier: MIT
/// The image by all ranks, bands on request as in the page, beside a copy of all of it on each.

#define main mandelbrot_mpi_main  // its page is a whole program
#include "mandelbrot_mpi.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  Rows shared, alone;
  int not_looked = 0;
  bench::share_out_and_copy(
      3, [&] { shared = on_request(mpi, not_looked); },
      [&] {
        alone = Rows();
        compute(0, view.height, alone, mpi.lane(), [] {});
      });
  const auto is_same = [](const Row& a, const Row& b) {
    return a.number == b.number &&
           pdc::mandelbrot_checksum(a.pixels) == pdc::mandelbrot_checksum(b.pixels);
  };
  return mpi.rank() != root || std::ranges::equal(shared, alone, is_same) ? 0 : 1;
}
