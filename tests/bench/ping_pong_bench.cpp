// SPDX-License-Identifier: MIT
/// The page's round trips, beside those of mpi_bare_bench.

#define main ping_pong_main  // its page is a whole program
#include "ping_pong.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  for (const int bytes : {8, 1024}) {
    constexpr int trips_timed = 1000;
    Bytes out(bytes), back(bytes);
    std::vector<double> times;
    for (int i = 0; i < bench::blocks(41); ++i) {
      play(mpi.rank(), out, back);  // brings it into the caches
      times.push_back(bench::time_together([&] {
        for (int trip = 0; trip < trips_timed; ++trip) play(mpi.rank(), out, back);
      }));
    }
    bench::say("point_to_point", bench::median(times) / (2 * trips_timed), bytes);
  }
}
