#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "pdc/mpi.hpp"
#include "pdc/timeline.hpp"

/// For benchmarks that ranks run together. Rank 0 prints a line for each: name, bytes, seconds.
namespace bench {

/// Of one run, begun together, until the last rank has ended; the same everywhere.
double time_together(auto&& run) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  run();
  const double mine = MPI_Wtime() - begin;
  double slowest = 0;
  MPI_Allreduce(&mine, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  return slowest;
}

inline double median(std::vector<double> times) {
  std::ranges::sort(times);
  return times[times.size() / 2];
}

inline void say(const pdc::mpi::Session& mpi, const char* name, double seconds) {
  if (mpi.rank() == 0) std::printf("%s 0 %.5g\n", name, seconds);
}

/// One work by all ranks, and at once a copy of the whole work on each of them, in turns. Told is the
/// time for one work.
void share_out_and_copy(const pdc::mpi::Session& mpi, int rounds, auto&& shared, auto&& copy) {
  const pdc::detail::Paused paused;
  std::vector<double> together, copies;
  for (int i = 0; i <= rounds; ++i) {
    const double of_one = time_together(shared);
    const double of_all = time_together(copy) / mpi.size();
    if (i == 0) continue;
    together.push_back(of_one);
    copies.push_back(of_all);
  }
  say(mpi, "shared_out", median(together));
  say(mpi, "copies", median(copies));
}

}  // namespace bench
