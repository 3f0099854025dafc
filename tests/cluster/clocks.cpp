// SPDX-License-Identifier: MIT
/// What each rank would have to add to its clock to get rank 0's, as it is found from the messages
/// between them: on a busy machine again and again, until that leaves no more doubt than is allowed.

#include "pdc/mpi.hpp"

#include <fmt/core.h>

#include <cstdint>

#include "mpi/recorder.hpp"

int main(int argc, char** argv) {
  constexpr std::int64_t allowed = 50'000;  // nanoseconds
  constexpr int attempts = 50;
  const pdc::mpi::Session session(argc, argv);
  pdc::mpi::detail::ClockOffset offset{};
  std::int64_t most = allowed;
  for (int i = 0; i < attempts && most >= allowed; ++i) {
    offset = pdc::mpi::detail::clock_offset();
    PMPI_Allreduce(&offset.doubt, &most, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  }
  pdc::mpi::say_by_rank(
      fmt::format("rank {} adds {} ns, give or take {}", session.rank(), offset.ns, offset.doubt));
}
