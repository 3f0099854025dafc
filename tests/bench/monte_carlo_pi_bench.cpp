// SPDX-License-Identifier: MIT
/// Points drawn by all ranks, each its blocks as in the page, beside a copy of all of them on each.

#define main monte_carlo_pi_main  // its page is a whole program
#include "monte_carlo_pi.cpp"
#undef main

#include <benchmark/benchmark.h>

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const std::int64_t points = 10 * block * mpi.size();
  const pdc::detail::Paused paused;
  std::uint64_t seed = 1;
  std::int64_t hits = 0, alone = 0;
  const auto count_alone = [&] {
    benchmark::DoNotOptimize(seed);  // or the compiler counts once, before the clock is read
    benchmark::DoNotOptimize(alone = count_hits(seed, 0, points));
  };
  bench::share_out_and_copy(
      5, [&] { hits = draw_in_blocks(mpi, seed, points).hits; }, count_alone);
  return mpi.rank() == 0 && hits != alone ? 1 : 0;
}
