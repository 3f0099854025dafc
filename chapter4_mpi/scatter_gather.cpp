// Scatter gather: deal out the elements in blocks or in turn, compute, collect the results.
//
// Concept   A decomposition says which elements each rank computes. Every rank works it out from
//           the size alone. Blocks have neighbours in one part: equal work only if all elements
//           are equal work. Dealt in turn (cyclic), each rank gets easy ones and hard ones.
// Shows     MPI_Scatterv, MPI_Gatherv, MPI_Gather, std::int64_t
// Python    mpi4py comm.Scatterv, comm.Gatherv
// Run       mpirun -np 4 scatter_gather --elements 42
// You see   in blocks the last rank has seven times the work of the first; in turn, nearly the same
// Next      master_worker deals out on request, where nobody knows what an element costs

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0;

using Numbers = std::vector<std::int64_t>;

/// Where the block of a rank begins, which is where the one before it ends.
constexpr std::int64_t first_of(std::int64_t rank, std::int64_t ranks, std::int64_t size) {
  return rank * size / ranks;
}
static_assert(first_of(3, 4, 4'000'000'000) == 3'000'000'000);  // no int could hold this product

/// Wrong on purpose, if an element is more work than the one before it.
Numbers block(int rank, int ranks, std::int64_t size) {
  Numbers part;
  const std::int64_t end = first_of(rank + 1, ranks, size);
  for (std::int64_t i = first_of(rank, ranks, size); i < end; ++i) part.push_back(i);
  return part;
}

Numbers in_turn(int rank, int ranks, std::int64_t size) {
  Numbers part;
  for (std::int64_t i = rank; i < size; i += ranks) part.push_back(i);
  return part;
}

using Decomposition = Numbers(int rank, int ranks, std::int64_t size);

struct Deal {
  Numbers order;  // of the elements: the part of rank 0, then that of rank 1, and so on
  std::vector<int> counts, places;
};

/// Known to each rank from the size alone.
Deal make_deal(Decomposition& part_of, int ranks, std::int64_t size) {
  Deal deal;
  for (int rank = 0; rank < ranks; ++rank) {
    const Numbers part = part_of(rank, ranks, size);
    deal.counts.push_back(static_cast<int>(part.size()));
    deal.places.push_back(static_cast<int>(deal.order.size()));
    deal.order.insert(deal.order.end(), part.begin(), part.end());
  }
  return deal;
}

struct Outcome {
  Numbers results;  // by element, on the root
  Numbers tested;   // by rank, on the root
};

/// How many primes are below each limit. The limits are read on the root alone.
Outcome compute_dealt(const pdc::mpi::Session& mpi, Decomposition& part_of, int size,
                      const Numbers& limits) {
  const auto [order, counts, places] = make_deal(part_of, mpi.size(), size);
  const int count = counts[mpi.rank()];
  Numbers dealt;
  if (mpi.rank() == root) {
    for (const std::int64_t i : order) dealt.push_back(limits[i]);
  }
  Numbers mine(count);
  MPI_Scatterv(dealt.data(), counts.data(), places.data(), MPI_INT64_T,  // from the root
               mine.data(), count, MPI_INT64_T, root, MPI_COMM_WORLD);

  Numbers primes(count);
  std::int64_t tested = 0;  // counted where it is done
  {
    const auto work = mpi.lane().work("computes {}", count);
    for (int k = 0; k < count; ++k) {
      for (std::int64_t n = 0; n < mine[k]; ++n) {
        ++tested;
        if (pdc::is_prime(n)) ++primes[k];
      }
    }
    std::this_thread::sleep_for(std::chrono::nanoseconds(500) * tested);  // plays more of it
  }

  Numbers came(dealt.size());
  MPI_Gatherv(primes.data(), count, MPI_INT64_T,  // to the root, by the same counts and places
              came.data(), counts.data(), places.data(), MPI_INT64_T, root, MPI_COMM_WORLD);
  Numbers results(limits.size());
  for (std::size_t k = 0; k < came.size(); ++k) results[order[k]] = came[k];
  Numbers all_tested(mpi.size());
  MPI_Gather(&tested, 1, MPI_INT64_T, all_tested.data(), 1, MPI_INT64_T, root, MPI_COMM_WORLD);
  pdc::say("numbers tested by each rank: {}", pdc::join(all_tested));
  return {results, all_tested};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"elements", 42, "elements to compute", {24, 200}}});
  mpi.need_ranks(2);
  const int size = program.integer("elements");
  if (size < 3 * mpi.size()) program.reject("there must be at least 3 --elements for each rank");

  Numbers limits;  // on the root alone: 100, 200, 300, ...
  if (mpi.rank() == root) {
    for (int i = 1; i <= size; ++i) limits.push_back(100 * i);
  }
  const Outcome blocks = program.scene("dealt in blocks", compute_dealt, mpi, block, size, limits);
  const Outcome turns = program.scene("dealt in turn", compute_dealt, mpi, in_turn, size, limits);

  if (mpi.rank() == root) {
    Numbers sieved;
    for (const std::int64_t limit : limits) sieved.push_back(pdc::sieve_primes(limit));
    const std::int64_t hardest = limits.back();
    const auto alone = std::reduce(limits.begin(), limits.end());
    const auto [least, most] = std::ranges::minmax(blocks.tested);
    const auto [less, more] = std::ranges::minmax(turns.tested);
    pdc::check(most - least > hardest,
               "dealt in blocks, the work of the ranks differs by more than the hardest element",
               "{} to {}, hardest {}", least, most, hardest);
    pdc::check(more - less <= hardest,
               "dealt in turn, the work of the ranks differs by at most the hardest element",
               "{} to {}, hardest {}", less, more, hardest);
    pdc::check(blocks.results == sieved && turns.results == sieved,
               "in blocks and in turn, each result comes to its element");
    pdc::check(std::reduce(blocks.tested.begin(), blocks.tested.end()) == alone &&
                   std::reduce(turns.tested.begin(), turns.tested.end()) == alone,
               "in blocks and in turn, each element is computed once", "{} numbers tested", alone);
  }
  return program.finish();
}
