#include <algorithm>
#include <limits>

#include "gather.hpp"
#include "recorder.hpp"

namespace pdc::mpi::detail {

/// Cristian's algorithm (Probabilistic clock synchronization, 1989): of many round trips, the
/// shortest one leaves the least doubt about when, between its sending and its coming back, the
/// other clock was read.
std::int64_t clock_offset(std::int64_t (*clock)()) {
  constexpr int rounds = 40;
  constexpr int tag = 1;
  int rank = 0;
  int size = 1;
  PMPI_Comm_rank(MPI_COMM_WORLD, &rank);
  PMPI_Comm_size(MPI_COMM_WORLD, &size);
  std::int64_t offset = 0;
  for (int other = 1; other < size; ++other) {
    for (int round = 0; rank == other && round < rounds; ++round) {
      std::int64_t mine = 0;
      PMPI_Recv(&mine, 1, MPI_INT64_T, 0, tag, quiet(), MPI_STATUS_IGNORE);
      mine = clock();
      PMPI_Send(&mine, 1, MPI_INT64_T, 0, tag, quiet());
    }
    if (rank == other) PMPI_Recv(&offset, 1, MPI_INT64_T, 0, tag, quiet(), MPI_STATUS_IGNORE);
    if (rank != 0) continue;
    std::int64_t shortest = std::numeric_limits<std::int64_t>::max();
    std::int64_t best = 0;
    for (int round = 0; round < rounds; ++round) {
      const std::int64_t sent = clock();
      std::int64_t theirs = sent;
      PMPI_Send(&theirs, 1, MPI_INT64_T, other, tag, quiet());
      PMPI_Recv(&theirs, 1, MPI_INT64_T, other, tag, quiet(), MPI_STATUS_IGNORE);
      const std::int64_t back = clock();
      if (back - sent >= shortest) continue;
      shortest = back - sent;
      best = sent + shortest / 2 - theirs;
    }
    PMPI_Send(&best, 1, MPI_INT64_T, other, tag, quiet());
  }
  return offset;
}

}  // namespace pdc::mpi::detail
