// SPDX-License-Identifier: MIT
/// What heat_bench is held against: the same stencil on the same cells in bare loops, with MPI alone
/// and the plainest exchange: in strips, each edge row by MPI_Sendrecv, and then all cells.

#include <mpi.h>

#include <utility>
#include <vector>

#include "mpi_bench.hpp"

namespace {

constexpr int cells = 4000, width = cells + 2, rounds = 9;  // with an argument, so many rows each

void exchange(double* plate, int rows, int above, int below) {
  double* const last = plate + rows * width;
  MPI_Sendrecv(plate + width, width, MPI_DOUBLE, above, 0, last + width, width, MPI_DOUBLE, below,
               0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(last, width, MPI_DOUBLE, below, 0, plate, width, MPI_DOUBLE, above, 0,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

void update(const double* now, double* next, int rows) {
  for (int row = 1; row <= rows; ++row) {
    const double* const here = now + row * width;
    for (int i = 1; i <= cells; ++i)
      next[row * width + i] = here[i] + 0.2 * (here[i - width] + here[i + width] + here[i - 1] +
                                               here[i + 1] - 4 * here[i]);
  }
}

}  // namespace

int main(int argc, char** argv) {
  int rank = 0, size = 1;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const int rows = argc > 1 ? cells : cells * (rank + 1) / size - cells * rank / size;
  const int above = rank == 0 ? MPI_PROC_NULL : rank - 1;
  const int below = rank == size - 1 ? MPI_PROC_NULL : rank + 1;
  std::vector<double> now(static_cast<std::size_t>((rows + 2) * width), 1), next = now, times;
  for (int i = 0; i <= rounds; ++i) {
    const double time = bench::time_together([&] {
      exchange(now.data(), rows, above, below);
      update(now.data(), next.data(), rows);
      std::swap(now, next);
    });
    if (i > 0) times.push_back(time);  // the first touches the memory
  }
  bench::say("step", bench::median(times));
  MPI_Finalize();
}
