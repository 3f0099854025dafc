// SPDX-License-Identifier: MIT
#include <algorithm>
#include <limits>

#include "gather.hpp"
#include "recorder.hpp"

namespace pdc::mpi::detail {

/// Cristian's algorithm (Probabilistic clock synchronization, 1989): of many round trips, the
/// shortest one leaves the least doubt about when, between its sending and its coming back, the
/// other clock was read: half of what it took.
ClockOffset clock_offset(std::int64_t (*clock)()) {
  constexpr int rounds = 40;
  constexpr int tag = 1;
  int rank = 0;
  int size = 1;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  PMPI_Comm_size(MPI_COMM_WORLD, &size);
  ClockOffset offset{0, 0};
  for (int other = 1; other < size; ++other) {
    for (int round = 0; rank == other && round < rounds; ++round) {
      std::int64_t mine = 0;
      PMPI_Recv(&mine, 1, MPI_INT64_T, 0, tag, quiet(), MPI_STATUS_IGNORE);
      mine = clock();
      PMPI_Send(&mine, 1, MPI_INT64_T, 0, tag, quiet());
    }
    if (rank == other)
      PMPI_Recv(&offset, sizeof offset, MPI_BYTE, 0, tag, quiet(), MPI_STATUS_IGNORE);
    if (rank != 0) continue;
    ClockOffset best{0, std::numeric_limits<std::int64_t>::max()};
    for (int round = 0; round < rounds; ++round) {
      const std::int64_t sent = clock();
      std::int64_t theirs = sent;
      PMPI_Send(&theirs, 1, MPI_INT64_T, other, tag, quiet());
      PMPI_Recv(&theirs, 1, MPI_INT64_T, other, tag, quiet(), MPI_STATUS_IGNORE);
      const std::int64_t back = clock();
      const std::int64_t half = (back - sent + 1) / 2;
      if (half < best.doubt) best = {sent + half - theirs, half};
    }
    PMPI_Send(&best, sizeof best, MPI_BYTE, other, tag, quiet());
  }
  return offset;
}

}  // namespace pdc::mpi::detail
