// SPDX-License-Identifier: MIT
/// mpi_bench without the layer that records: the same source, linked with MPI alone.

#include "mpi_bench.cpp"
