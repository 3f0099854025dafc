// SPDX-License-Identifier: MIT
/// Calls one function that is wrapped, one that is silent, and one that is neither. Compiled, and never run.

#include "pdc/mpi.hpp"

void call_what_is_neither() {
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Barrier(MPI_COMM_WORLD);
  MPI_Pcontrol(rank);
}
