// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

/// For benchmarks that ranks run together, with the layer or without. Rank 0 prints a line for each: name, bytes, seconds.
namespace bench {

/// How many blocks of calls to time, or, as a test, one: between ranks that share a processor with others, each
/// message may take a time slice.
inline int blocks(int usual) {
  return std::getenv("PDC_ONE_ROUND") != nullptr ? 1 : usual;
}

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

inline void say(const char* name, double seconds, int bytes = 0) {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (rank == 0) std::printf("%s %d %.5g\n", name, bytes, seconds);
}

/// One work by all ranks, and at once a copy of the whole work on each of them, in turns. Told is the
/// time for one work.
void share_out_and_copy(int rounds, auto&& shared, auto&& copy) {
  int ranks = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  std::vector<double> together, copies;
  for (int i = 0; i <= rounds; ++i) {
    const double of_one = time_together(shared);
    const double of_all = time_together(copy) / ranks;
    if (i == 0) continue;
    together.push_back(of_one);
    copies.push_back(of_all);
  }
  say("shared_out", median(together));
  say("copies", median(copies));
}

}  // namespace bench
