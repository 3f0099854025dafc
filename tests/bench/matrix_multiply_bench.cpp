// SPDX-License-Identifier: MIT
/// A product by all ranks of the page's grid, beside a copy of all of it on each, in the same blocks.

#define main matrix_multiply_main  // its page is a whole program
#include "matrix_multiply.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  constexpr int rows = 384;  // of a block
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const int side = Grid(mpi).side;
  const Block a(rows * rows, 3), b(rows * rows, 5);
  Block c(rows * rows);
  bench::share_out_and_copy(
      5, [&] { multiply(mpi, rows, skew); },
      [&] {
        for (int i = 0; i < side * side * side; ++i) add_product(c, a, b, rows);
      });
  return c[0] > 0 ? 0 : 1;
}
