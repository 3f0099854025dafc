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

#include <fmt/ranges.h>

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;

constexpr int count_tag = 1;
constexpr int nothing = -1;  // stands where no rank's part came

Numbers primes_between(int first, int last) {
  Numbers primes;
  for (int n = first; n < last; ++n)
    if (pdc::is_prime(n)) primes.push_back(n);
  return primes;
}

/// Each rank searches as many numbers as the others, and finds as many primes as there are.
Numbers find_primes(const pdc::mpi::Session& mpi, int numbers) {
  auto work = mpi.lane().work("searches");
  const Numbers found = primes_between(mpi.rank() * numbers, (mpi.rank() + 1) * numbers);
  std::this_thread::sleep_for(std::chrono::milliseconds(3 + 2 * mpi.rank() % 5));  // plays more
  work.rename("finds {}", found.size());
  return found;
}

/// How many counts stand at their place; what they should be, a sieve says.
int in_place(const Numbers& counts, int numbers) {
  pdc::say("counts: {}", fmt::join(counts, ", "));
  int right = 0;
  for (std::int64_t first = 0; const int count : counts) {
    const std::int64_t before = pdc::sieve_primes(first);
    first += numbers;
    right += count == pdc::sieve_primes(first) - before ? 1 : 0;
  }
  return right;
}

/// Wrong on purpose: receives from the others, and forgets that the root has a part, too.
int collect_by_hand(const pdc::mpi::Session& mpi, int numbers) {
  const int mine = static_cast<int>(find_primes(mpi, numbers).size());
  Numbers counts(static_cast<std::size_t>(mpi.size()), nothing);
  if (mpi.rank() == 0) {
    for (int from = 1; from < mpi.size(); ++from) {
      int& count = counts[static_cast<std::size_t>(from)];
      MPI_Recv(&count, 1, MPI_INT, from, count_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
  } else {
    MPI_Send(&mine, 1, MPI_INT, 0, count_tag, MPI_COMM_WORLD);
  }
  return in_place(counts, numbers);
}

int gather_counts(const pdc::mpi::Session& mpi, int numbers) {
  const int mine = static_cast<int>(find_primes(mpi, numbers).size());
  Numbers counts(static_cast<std::size_t>(mpi.size()), nothing);
  MPI_Gather(&mine, 1, MPI_INT,          // from all ranks, the root too
             counts.data(), 1, MPI_INT,  // to the root: 1 is what each gives, not the sum
             0, MPI_COMM_WORLD);
  return in_place(counts, numbers);
}

struct Gathered {
  int known;
  Numbers primes;  // on the root: those of rank 0, then those of rank 1, and so on
};

Gathered gather_primes(const pdc::mpi::Session& mpi, int numbers) {
  const Numbers mine = find_primes(mpi, numbers);
  const int count = static_cast<int>(mine.size());
  Numbers counts(static_cast<std::size_t>(mpi.size()), nothing);
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, MPI_COMM_WORLD);  // no root: to all
  Numbers places(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);

  Numbers all(static_cast<std::size_t>(mpi.rank() == 0 ? places.back() + counts.back() : 0));
  MPI_Gatherv(mine.data(), count, MPI_INT,  // from all ranks: as many as each has
              all.data(), counts.data(), places.data(), MPI_INT, 0, MPI_COMM_WORLD);
  return {in_place(counts, numbers), all};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 20, "numbers for each rank", {1, 100'000}}});
  const int numbers = program.integer("numbers");
  const int size = mpi.size();

  const int by_hand = program.scene("by hand, from the others", collect_by_hand, mpi, numbers);
  const int gathered = program.scene("MPI_Gather: one of each", gather_counts, mpi, numbers);
  const Gathered uneven = program.scene("MPI_Gatherv: uneven parts", gather_primes, mpi, numbers);

  if (mpi.rank() == 0) {
    const Numbers all = primes_between(0, size * numbers);
    pdc::check(by_hand == size - 1, "by hand, rank 0 has no part", "{} of {}", by_hand, size);
    pdc::check(gathered == size, "gathered, each part is in its place", "{} of {}", gathered, size);
    pdc::check(uneven.primes == all, "parts of any length make one list, in order",
               "{} of {} primes", uneven.primes.size(), all.size());
  }
  pdc::check(uneven.known == size, "every rank knows how much each has", "{} of {} on rank {}",
             uneven.known, size, mpi.rank());
  return program.finish();
}
