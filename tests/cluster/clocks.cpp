// SPDX-License-Identifier: MIT
/// What each rank would have to add to its clock to get rank 0's, as it is found from the messages
/// between them, and how much doubt that leaves.

#include "pdc/mpi.hpp"

#include <fmt/core.h>

#include "mpi/recorder.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session session(argc, argv);
  const auto [offset, doubt] = pdc::mpi::detail::clock_offset();
  pdc::mpi::say_by_rank(
      fmt::format("rank {} adds {} ns, give or take {}", session.rank(), offset, doubt));
}
