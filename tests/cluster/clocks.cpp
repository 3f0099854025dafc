/// What each rank would have to add to its clock to get rank 0's, as it is found from the messages
/// between them.

#include <fmt/core.h>

#include "mpi/recorder.hpp"
#include "pdc/mpi.hpp"

int main(int argc, char** argv) {
  const pdc::mpi::Session session(argc, argv);
  pdc::mpi::say_by_rank(
      fmt::format("rank {} adds {} ns", session.rank(), pdc::mpi::detail::clock_offset()));
}
