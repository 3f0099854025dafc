// Conjugate gradient: equations are solved with neighbours' values and with sums over all ranks.
//
// Concept   The unknowns are cut into parts, one for each rank. To multiply by the matrix, a rank
//           needs its neighbours' values at the seams, a halo. How far to step and where to, two dot
//           products tell: sums over all unknowns, and so over all ranks.
// Shows     MPI_Sendrecv, MPI_PROC_NULL, MPI_Allreduce, MPI_COMM_SELF
// Python    mpi4py comm.Allreduce, comm.Sendrecv, MPI.COMM_SELF
// Run       mpirun -np 4 conjugate_gradient --unknowns 12
// You see   with a sum of its own part each rank steps too far, and the residual grows
// Next      heat takes small steps, and needs no sums; reduce looks at the sums alone

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int halo_tag = 9;
constexpr double tolerance = 1e-3;  // of the residual, as a part of the first one

using Values = std::vector<double>;  // from 1 on; before and behind them stands a ghost

/// The unknowns of one rank, and its neighbours in the communicator.
struct Part {
  Part(MPI_Comm of, int unknowns) : comm(of), all(unknowns) {
    int rank = 0, ranks = 1;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    before = static_cast<int>(std::int64_t{all} * rank / ranks);
    count = static_cast<int>(std::int64_t{all} * (rank + 1) / ranks) - before;
    if (rank > 0) left = rank - 1;
    if (rank < ranks - 1) right = rank + 1;
  }
  MPI_Comm comm;
  int all, before, count;
  int left = MPI_PROC_NULL, right = MPI_PROC_NULL;  // stays so where the rod ends
};

/// Returns how many messages were sent. Where the rod ends none comes, and the ghost stays 0.
int exchange_halo(Values& v, const Part& part) {
  MPI_Sendrecv(&v[1], 1, MPI_DOUBLE, part.left, halo_tag, &v[part.count + 1], 1, MPI_DOUBLE,
               part.right, halo_tag, part.comm, MPI_STATUS_IGNORE);
  MPI_Sendrecv(&v[part.count], 1, MPI_DOUBLE, part.right, halo_tag, &v[0], 1, MPI_DOUBLE, part.left,
               halo_tag, part.comm, MPI_STATUS_IGNORE);
  return (part.left == MPI_PROC_NULL ? 0 : 1) + (part.right == MPI_PROC_NULL ? 0 : 1);
}

/// By the matrix of an implicit step of heat: 3 on the diagonal, and -1 on either side of it.
void multiply(const Values& v, Values& product) {
  for (std::size_t i = 1; i + 1 < v.size(); ++i) product[i] = 3 * v[i] - v[i - 1] - v[i + 1];
}

/// Of the own part.
double dot(const Values& a, const Values& b) {
  return std::inner_product(a.begin() + 1, a.end() - 1, b.begin() + 1, 0.0);
}

double sum_over_all(double own, MPI_Comm comm) {
  double sum = 0;
  MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, comm);
  return sum;
}

/// Wrong on purpose: what the other ranks have to add is missing.
double keep_own(double own, MPI_Comm) {
  return own;
}

/// What unknown i has to be: the right-hand side is made so. Where the rod ends stands a 0.
double closed_form(int i, int all) {
  return i > all ? 0 : double(i) * (2 * all + 2 - i);
}

struct Solved {
  bool is_below_bound() const { return residual <= bound; }  // nor if it is no number
  int iterations = 0;
  double messages = 0, bound = 0, residual = 0;  // of all ranks
  double first_step = 0, error = 0;              // of this rank; its largest error
};

using Sum = double(double own, MPI_Comm comm);

/// `sum` is for one of the dot products; by the other, all ranks agree on when to end.
Solved solve(const pdc::mpi::Session& mpi, const Part& part, Sum& sum) {
  const auto exact = [&](int i) { return closed_form(part.before + i, part.all); };
  Values x(part.count + 2), rest = x, product = x;
  for (int i = 1; i <= part.count; ++i) rest[i] = 3 * exact(i) - exact(i - 1) - exact(i + 1);
  Values direction = rest;
  double square = sum_over_all(dot(rest, rest), part.comm);
  Solved solved{.bound = tolerance * std::sqrt(square), .residual = std::sqrt(square)};
  while (!solved.is_below_bound() && solved.iterations < part.all) {
    solved.messages += exchange_halo(direction, part);
    auto work = mpi.lane().work("{:.3g}", solved.residual);
    multiply(direction, product);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays more unknowns
    work.end();
    const double step = square / sum(dot(direction, product), part.comm);
    if (solved.iterations == 0) solved.first_step = step;
    for (int i = 1; i <= part.count; ++i) x[i] += step * direction[i];
    for (int i = 1; i <= part.count; ++i) rest[i] -= step * product[i];
    const double last = std::exchange(square, sum_over_all(dot(rest, rest), part.comm));
    for (int i = 1; i <= part.count; ++i) direction[i] = rest[i] + square / last * direction[i];
    solved.residual = std::sqrt(square);
    ++solved.iterations;
  }
  for (int i = 1; i <= part.count; ++i)
    solved.error = std::max(solved.error, std::abs(x[i] - exact(i)));
  solved.messages = sum_over_all(solved.messages, part.comm);
  if (mpi.rank() == 0 && !solved.is_below_bound()) pdc::fault("no solution");
  pdc::say("{} unknowns on rank 0: residual {:.3g} after {} iterations", part.count,
           solved.residual, solved.iterations);
  return solved;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const int least = std::max(12, mpi.size());
  pdc::Program program(argc, argv, {{"unknowns", least, "in all", {double(least), 1000}}});
  mpi.need_ranks(2);  // with one, its own part is all there is
  const Part alone(MPI_COMM_SELF, program.integer("unknowns")), part(MPI_COMM_WORLD, alone.all);

  const Solved serial = solve(mpi, alone, sum_over_all);
  const Solved own = program.scene("a sum of the own part", solve, mpi, part, keep_own);
  const Solved all = program.scene("a sum over all", solve, mpi, part, sum_over_all);

  pdc::check(own.first_step > serial.first_step,
             "by a sum of its own part, each rank steps too far", "{:.3g}, not {:.3g}",
             own.first_step, serial.first_step);
  pdc::check(!own.is_below_bound(), "by sums of own parts, the residual stays above its bound",
             "{:.3g} and {:.3g}", own.residual, own.bound);
  pdc::check(all.is_below_bound() && all.iterations == serial.iterations,
             "by sums over all, the residual falls below its bound as soon as on one rank");
  pdc::check(all.error <= all.residual,
             "by sums over all, no unknown is further off than the residual");
  pdc::check(all.messages == 2 * (mpi.size() - 1) * all.iterations,
             "each iteration sends 2 * (p - 1) messages", "{} messages", all.messages);
  return program.finish();
}
