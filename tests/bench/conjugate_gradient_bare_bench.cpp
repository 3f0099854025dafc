// SPDX-License-Identifier: MIT
/// What conjugate_gradient_bench is held against: the same equations from the same right-hand side in
/// bare loops, with MPI alone. With an argument, so many unknowns for each rank.

#include <mpi.h>

#include <cmath>
#include <vector>

#include "mpi_bench.hpp"

namespace {

struct Rod {
  int rank = 0, ranks = 1, all = 0, before = 0, count = 0;
};

double exact(int i, int all) {
  return i > all ? 0 : double(i) * (2 * all + 2 - i);
}

double sum(double own) {
  double all = 0;
  MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
  return all;
}

void exchange(double* v, const Rod& rod) {
  const int left = rod.rank == 0 ? MPI_PROC_NULL : rod.rank - 1;
  const int right = rod.rank == rod.ranks - 1 ? MPI_PROC_NULL : rod.rank + 1;
  MPI_Sendrecv(v + 1, 1, MPI_DOUBLE, left, 0, v + rod.count + 1, 1, MPI_DOUBLE, right, 0,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Sendrecv(v + rod.count, 1, MPI_DOUBLE, right, 0, v, 1, MPI_DOUBLE, left, 0, MPI_COMM_WORLD,
               MPI_STATUS_IGNORE);
}

/// Returns the first unknown.
double solve(const Rod& rod) {
  const int n = rod.count;
  std::vector<double> x(static_cast<std::size_t>(n + 2)), r = x, p = x, q = x;
  double own = 0;
  for (int i = 1; i <= n; ++i) {
    const int at = rod.before + i;
    p[i] = r[i] = 3 * exact(at, rod.all) - exact(at - 1, rod.all) - exact(at + 1, rod.all);
    own += r[i] * r[i];
  }
  double square = sum(own);
  const double bound = 1e-3 * std::sqrt(square);
  int iterations = 0;
  for (; std::sqrt(square) > bound && iterations < rod.all; ++iterations) {
    exchange(p.data(), rod);
    for (int i = 1; i <= n; ++i) q[i] = 3 * p[i] - p[i - 1] - p[i + 1];
    own = 0;
    for (int i = 1; i <= n; ++i) own += p[i] * q[i];
    const double step = square / sum(own);
    for (int i = 1; i <= n; ++i) x[i] += step * p[i];
    for (int i = 1; i <= n; ++i) r[i] -= step * q[i];
    own = 0;
    for (int i = 1; i <= n; ++i) own += r[i] * r[i];
    const double next = sum(own), ratio = next / square;
    for (int i = 1; i <= n; ++i) p[i] = r[i] + ratio * p[i];
    square = next;
  }
  return x[1];
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Rod rod;
  MPI_Comm_rank(MPI_COMM_WORLD, &rod.rank);
  MPI_Comm_size(MPI_COMM_WORLD, &rod.ranks);
  const long all = (1L << 22) * (argc > 1 ? rod.ranks : 1);
  rod.all = static_cast<int>(all);
  rod.before = static_cast<int>(all * rod.rank / rod.ranks);
  rod.count = static_cast<int>(all * (rod.rank + 1) / rod.ranks) - rod.before;
  double first = 0;
  std::vector<double> times;
  for (int i = 0; i < bench::blocks(5); ++i) {
    times.push_back(bench::time_together([&] { first = solve(rod); }));
  }
  bench::say("solution", bench::median(times));
  MPI_Finalize();
  return first > 0 ? 0 : 1;
}
