// Scatter gather: deal out the work, compute on all ranks, collect the results.
//
// Concept   Where each element can be computed by itself, all ranks do the same: take a part,
//           compute, give back. Rank r of n takes elements r * size / n up to (r + 1) * size / n:
//           so nothing is left over, and each rank knows its part without being told.
// Shows     MPI_Scatter, MPI_Gather, MPI_Scatterv, MPI_Gatherv
// Python    mpi4py comm.scatter, comm.gather
// Run       mpirun -np 4 scatter_gather --elements 23
// You see   with equal parts the last elements have no result, with parts that fit all have
// Next      master_worker deals out on request, so that equal parts need not be equal work

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;

constexpr int no_result = -1;

/// The work: limits that grow, on the root alone.
Numbers make_limits(const pdc::mpi::Session& mpi, int size) {
  Numbers limits;
  if (mpi.rank() == 0) {
    for (int i = 0; i < size; ++i) limits.push_back(1000 * (i % 50 + 1));
  }
  return limits;
}

/// How many primes are below each limit.
Numbers compute(const Numbers& limits, const pdc::Lane& lane) {
  const auto work = lane.work("computes {}", limits.size());
  Numbers results;
  for (const int limit : limits) results.push_back(static_cast<int>(pdc::count_primes(0, limit)));
  const int sum = std::accumulate(limits.begin(), limits.end(), 0);
  std::this_thread::sleep_for(std::chrono::microseconds(sum / 20));  // plays more of it
  return results;
}

struct Outcome {
  int dealt;  // elements, to all ranks together
  int right;  // results that one process finds, too, by itself and with a sieve
};

Outcome judge(const Numbers& results, const Numbers& limits, int dealt) {
  Outcome outcome{dealt, 0};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    if (results[i] == no_result) pdc::say("nobody counted the primes below {}", limits[i]);
    outcome.right += results[i] == pdc::sieve_primes(limits[i]) ? 1 : 0;
  }
  return outcome;
}

/// Wrong on purpose: parts of the same length, and what is left over is nobody's.
Outcome compute_equal_parts(const pdc::mpi::Session& mpi, int size) {
  const Numbers limits = make_limits(mpi, size);
  const int count = size / mpi.size();
  Numbers part(static_cast<std::size_t>(count));
  MPI_Scatter(limits.data(), count, MPI_INT, part.data(), count, MPI_INT, 0, MPI_COMM_WORLD);

  const Numbers mine = compute(part, mpi.lane());

  Numbers results(limits.size(), no_result);
  MPI_Gather(mine.data(), count, MPI_INT, results.data(), count, MPI_INT, 0, MPI_COMM_WORLD);
  return judge(results, limits, count * mpi.size());
}

/// Each rank's part ends where the next one's begins, and the last one's with the last element.
Outcome compute_all(const pdc::mpi::Session& mpi, int size) {
  const Numbers limits = make_limits(mpi, size);
  Numbers places;
  Numbers counts;
  for (int rank = 0; rank < mpi.size(); ++rank) {
    places.push_back(rank * size / mpi.size());
    counts.push_back((rank + 1) * size / mpi.size() - places.back());
  }
  const int count = counts[static_cast<std::size_t>(mpi.rank())];
  Numbers part(static_cast<std::size_t>(count));
  MPI_Scatterv(limits.data(), counts.data(), places.data(), MPI_INT,  // from the root
               part.data(), count, MPI_INT, 0, MPI_COMM_WORLD);

  const Numbers mine = compute(part, mpi.lane());

  Numbers results(limits.size(), no_result);
  MPI_Gatherv(mine.data(), count, MPI_INT,  // and to it, by the same counts and places
              results.data(), counts.data(), places.data(), MPI_INT, 0, MPI_COMM_WORLD);
  return judge(results, limits, std::accumulate(counts.begin(), counts.end(), 0));
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"elements", 23, "elements to compute", {1, 200}}});
  const int size = program.integer("elements");

  const Outcome equal = program.scene("equal parts", compute_equal_parts, mpi, size);
  const Outcome all = program.scene("parts that fit", compute_all, mpi, size);

  if (mpi.rank() == 0) {
    pdc::check(equal.right == size - size % mpi.size(),
               "equal parts leave the last elements without a result", "{} of {}", equal.right,
               size);
    pdc::check(all.right == size, "parts that fit give the serial result", "{} of {}", all.right,
               size);
    pdc::check(all.dealt == size, "no element was dealt twice", "{} for {}", all.dealt, size);
  }
  return program.finish();
}
