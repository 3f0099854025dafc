// SPDX-License-Identifier: MIT
/// Steps for ever, all ranks together, and says each step, until its standard input ends: time for
/// a test to bring about a fault and see what becomes of the job.

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cstdio>

#include "pdc/mpi.hpp"

namespace {

constexpr int pace = 50;  // milliseconds that a step takes: on a busy machine, ranks that sleep

/// On rank 0, whose standard input is that of mpirun.
bool input_has_ended() {
  pollfd input{STDIN_FILENO, POLLIN, 0};
  char byte = 0;
  return poll(&input, 1, pace) > 0 && read(STDIN_FILENO, &byte, 1) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session session(argc, argv);
  int more = 1;
  for (int step = 1; more != 0; ++step) {
    if (session.rank() == 0) {
      more = input_has_ended() ? 0 : 1;
    } else {
      poll(nullptr, 0, pace);
    }
    MPI_Bcast(&more, 1, MPI_INT, 0, MPI_COMM_WORLD);
    const int one = 1;
    int ranks = 0;
    MPI_Allreduce(&one, &ranks, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    if (session.rank() == 0) fmt::print("step {} of {} ranks\n", step, ranks);
    std::fflush(stdout);
  }
  if (session.rank() == 0) fmt::print("the end\n");
}
