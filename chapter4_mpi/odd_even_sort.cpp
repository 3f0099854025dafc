// Odd even sort: neighbours exchange their parts, and each number moves at most one rank a round.
//
// Concept   Each rank sorts its own part. In each round ranks pair up with a neighbour, now with the
//           one, now with the other; of what a pair has, the left rank keeps the lower half and the
//           right one the upper. As many rounds as ranks sort any input, and some need them all.
// Shows     MPI_Sendrecv, MPI_PROC_NULL, MPI_Get_count, MPI_Gather, MPI_Reduce, std::ranges::merge
// Python    mpi4py comm.Sendrecv, MPI.PROC_NULL
// Run       mpirun -np 4 odd_even_sort --numbers 3
// You see   3 rounds of 4 ranks leave numbers out of place, 4 rounds leave none
// Next      scatter_gather deals out such parts; deadlock_avoidance says why the swap is one call

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <ranges>
#include <thread>
#include <vector>

namespace {

using Part = std::vector<int>;

constexpr int root = 0;
constexpr int tag = 1;

/// Whom a rank pairs up with; nobody, MPI_PROC_NULL, for the one that is left over at an end.
int partner_of(int rank, int ranks, int round) {
  const bool is_left = rank % 2 != round % 2;  // in round 0, the ranks 1, 3, 5 ...
  const int partner = is_left ? rank + 1 : rank - 1;
  return partner < 0 || partner == ranks ? MPI_PROC_NULL : partner;
}

/// Leaves the lower half of both parts here, or the upper one. Requires: both are sorted, and of the
/// same size. With nobody, it leaves the part as it is: what comes from there has no elements.
void exchange(Part& mine, int rank, int partner) {
  Part theirs(mine.size());
  const int size = static_cast<int>(mine.size());
  MPI_Status status;
  MPI_Sendrecv(mine.data(), size, MPI_INT, partner, tag,  // to and from the same rank
               theirs.data(), size, MPI_INT, partner, tag, MPI_COMM_WORLD, &status);
  int received = 0;
  MPI_Get_count(&status, MPI_INT, &received);
  theirs.resize(received);
  Part both(mine.size() + theirs.size());
  std::ranges::merge(mine, theirs, both.begin());
  const auto from = partner == rank - 1 ? both.end() - size : both.begin();
  std::copy_n(from, size, mine.begin());
}

/// Sorted, number i stands at place i.
int count_in_place(const Part& all) {
  int in_place = 0;
  for (int i = 0; i < static_cast<int>(all.size()); ++i) {
    if (all[i] == i) ++in_place;
  }
  if (in_place < static_cast<int>(all.size())) pdc::fault("not sorted");
  pdc::say("{} of {} in place, first {}", in_place, all.size(),
           pdc::join(all | std::views::take(8)));
  return in_place;
}

/// What the root knows then.
struct Sorted {
  Part all;
  int messages = 0, in_place = 0;
};

/// As bad as any: the largest numbers first, so that those at the ends have to cross all ranks.
Part largest_first(int rank, int ranks, int numbers) {
  Part part(numbers);
  for (int i = 0; i < numbers; ++i) part[i] = (ranks - rank) * numbers - 1 - i;
  return part;
}

Sorted sort(const pdc::mpi::Session& mpi, int numbers, int rounds) {
  const int rank = mpi.rank(), ranks = mpi.size();
  Part mine = largest_first(rank, ranks, numbers);
  std::ranges::sort(mine);
  int sent = 0;
  for (int round = 0; round < rounds; ++round) {
    const int partner = partner_of(rank, ranks, round);
    exchange(mine, rank, partner);
    if (partner != MPI_PROC_NULL) ++sent;
    auto work = mpi.lane().work("{} to {}", mine.front(), mine.back());
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays larger parts
  }
  Sorted sorted;
  if (rank == root) sorted.all.resize(std::size_t(ranks) * numbers);
  MPI_Gather(mine.data(), numbers, MPI_INT, sorted.all.data(), numbers, MPI_INT, root,
             MPI_COMM_WORLD);
  MPI_Reduce(&sent, &sorted.messages, 1, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
  if (rank == root) sorted.in_place = count_in_place(sorted.all);
  return sorted;
}

/// Wrong on purpose: a number moves on by one rank a round at most, and some have to start late.
Sorted sort_in_too_few_rounds(const pdc::mpi::Session& mpi, int numbers) {
  return sort(mpi, numbers, mpi.size() - 1);
}

Sorted sort_in_as_many_rounds_as_ranks(const pdc::mpi::Session& mpi, int numbers) {
  return sort(mpi, numbers, mpi.size());
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"numbers", 3, "numbers of each rank", {1, 100'000}}});
  const int numbers = program.integer("numbers");
  mpi.need_ranks(2);  // alone, a rank has sorted all in no round

  const Sorted early = program.scene("a round too few", sort_in_too_few_rounds, mpi, numbers);
  const Sorted sorted =
      program.scene("as many rounds as ranks", sort_in_as_many_rounds_as_ranks, mpi, numbers);

  const int ranks = mpi.size(), all = ranks * numbers;
  if (mpi.rank() == root) {
    pdc::check(early.in_place < all, "in one round fewer than ranks, the worst input is not sorted",
               "{} of {} in place", early.in_place, all);
    pdc::check(sorted.in_place == all, "in as many rounds as ranks, it is", "{} of {} in place",
               sorted.in_place, all);
    pdc::check(sorted.messages == ranks * (ranks - 1), "p ranks send p * (p - 1) parts", "{} parts",
               sorted.messages);
  }
  return program.finish();
}
