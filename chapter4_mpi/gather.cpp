// Gather: the root collects something from each rank, in the order of the ranks.
//
// Concept   A gather is a scatter turned round, and the root gives a part like all others. Where
//           parts differ in length the lengths are gathered first: MPI_Gatherv wants to know where
//           each part goes. MPI_Allgather gives to all what others give to the root alone.
// Shows     MPI_Gather, MPI_Gatherv, MPI_Allgather, MPI_Send, MPI_Recv
// Python    mpi4py comm.gather, comm.Gatherv, comm.allgather
// Run       mpirun -np 4 gather --numbers 20
// You see   a loop over the others forgets rank 0; the calls bring each part to its place
// Next      scatter_gather deals out first; all_to_all has each rank gather from all

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Counts = std::vector<int>;  // of the primes that each rank has found
using Primes = std::vector<std::int64_t>;

constexpr int root = 0;
constexpr int count_tag = 1;
constexpr int nothing = -1;  // stands where no rank's count came

/// How many primes each rank has found, and on the root maybe the primes themselves.
struct Gathered {
  Counts counts;
  Primes primes;  // those of rank 0, then those of rank 1, and so on
};

Gathered gather_counts(const Primes& mine, int ranks, int) {
  const int count = static_cast<int>(mine.size());
  Counts counts(ranks, nothing);
  MPI_Gather(&count, 1, MPI_INT,         // from all ranks, the root too
             counts.data(), 1, MPI_INT,  // to the root: 1 is what each gives, not the sum
             root, MPI_COMM_WORLD);
  return {counts, {}};
}

/// Wrong on purpose: receives from the others, and forgets that the root has a part, too.
Gathered collect_by_hand(const Primes& mine, int ranks, int rank) {
  const int count = static_cast<int>(mine.size());
  Counts counts(ranks, nothing);
  if (rank == root) {
    for (int from = 1; from < ranks; ++from) {
      MPI_Recv(&counts[from], 1, MPI_INT, from, count_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    pdc::fault("no count of rank 0");
  } else {
    MPI_Send(&count, 1, MPI_INT, root, count_tag, MPI_COMM_WORLD);
  }
  return {counts, {}};
}

Gathered gather_primes(const Primes& mine, int ranks, int rank) {
  const int count = static_cast<int>(mine.size());
  Counts counts(ranks, nothing);
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, MPI_COMM_WORLD);  // no root: to all

  std::vector<int> places(ranks);  // where each part goes: 0, then the sums of the counts so far
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);
  Primes all;  // empty except on the root
  if (rank == root) all.resize(std::reduce(counts.begin(), counts.end()));
  MPI_Gatherv(mine.data(), count, MPI_INT64_T,  // from all ranks: as many as each has
              all.data(), counts.data(), places.data(), MPI_INT64_T, root, MPI_COMM_WORLD);
  return {counts, all};
}

Primes primes_between(std::int64_t first, std::int64_t last) {
  Primes primes;
  for (std::int64_t n = first; n < last; ++n) {
    if (pdc::is_prime(n)) primes.push_back(n);
  }
  return primes;
}

/// Each rank searches as many numbers as the others, and finds as many primes as there are.
Primes find_primes(const pdc::mpi::Session& mpi, std::int64_t numbers) {
  auto work = mpi.lane().work("searches");
  const Primes found = primes_between(mpi.rank() * numbers, (mpi.rank() + 1) * numbers);
  std::this_thread::sleep_for(std::chrono::milliseconds(3 + 2 * mpi.rank() % 5));  // plays more
  work.rename("finds {}", found.size());
  return found;
}

using Gather = Gathered(const Primes& mine, int ranks, int rank);

Gathered find_and_gather(const pdc::mpi::Session& mpi, Gather& gather, int numbers) {
  Gathered all = gather(find_primes(mpi, numbers), mpi.size(), mpi.rank());
  pdc::say("counts: {}", pdc::join(all.counts));
  return all;
}

/// How many primes each rank has to find, as a sieve says, which shares no code with the search.
Counts sieved(int ranks, std::int64_t numbers) {
  Counts counts;
  for (int rank = 0; rank < ranks; ++rank) {
    const std::int64_t below = pdc::sieve_primes((rank + 1) * numbers);
    counts.push_back(static_cast<int>(below - pdc::sieve_primes(rank * numbers)));
  }
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 20, "numbers for each rank", {1, 100'000}}});
  const int numbers = program.integer("numbers");

  const auto by_hand =
      program.scene("by hand, from the others", find_and_gather, mpi, collect_by_hand, numbers);
  const auto one_each =
      program.scene("MPI_Gather: one of each", find_and_gather, mpi, gather_counts, numbers);
  const auto uneven =
      program.scene("MPI_Gatherv: uneven parts", find_and_gather, mpi, gather_primes, numbers);

  const Counts right = sieved(mpi.size(), numbers);
  if (mpi.rank() == root) {
    Counts without_root = right;
    without_root[root] = nothing;
    const Primes all = primes_between(0, std::int64_t{mpi.size()} * numbers);
    pdc::check(by_hand.counts == without_root, "collected by hand, the count of rank 0 is missing",
               "{}", pdc::join(by_hand.counts));
    pdc::check(one_each.counts == right, "MPI_Gather brings the count of each rank to its place",
               "{}", pdc::join(one_each.counts));
    pdc::check(uneven.primes == all, "MPI_Gatherv makes one list of all parts, in order",
               "{} of {} primes", uneven.primes.size(), all.size());
  }
  pdc::check(uneven.counts == right, "after MPI_Allgather every rank knows how many each has",
             "{} counts on rank {}", uneven.counts.size(), mpi.rank());
  return program.finish();
}
