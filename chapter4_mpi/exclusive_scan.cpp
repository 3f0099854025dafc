// Exclusive scan: where a rank's part of a list begins is what all ranks before it have.
//
// Concept   Each rank has a part of a list, of any size. It begins where the parts of the ranks
//           before it end: at the sum of their sizes. MPI_Scan counts one's own size, too;
//           MPI_Exscan leaves it out, and what rank 0 gets is undefined.
// Shows     MPI_Exscan, MPI_Scan, MPI_Sendrecv, MPI_PROC_NULL, MPI_Allreduce, MPI_MINLOC, MPI_2INT
// Python    mpi4py comm.exscan, MPI.MINLOC; itertools.accumulate
// Run       mpirun -np 4 exclusive_scan
// You see   by MPI_Scan each part is off by its own size, by MPI_Exscan all stand in a row
// Next      gather brings such parts to one rank; reduce has operations of your own

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <bit>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0, tag = 1;

/// How many letters a rank has.
int size_of(int rank) {
  constexpr std::array sizes{4, 2, 3, 2};
  return sizes[rank % 4];
}

/// Writes each part at the place that its rank has found.
void write(const pdc::mpi::Session& mpi, std::int64_t place) {
  {
    const auto work = mpi.lane().work("writes at {}", place);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
  }
  std::vector<std::int64_t> places(mpi.size());
  MPI_Gather(&place, 1, MPI_INT64_T, places.data(), 1, MPI_INT64_T, root, MPI_COMM_WORLD);
  if (mpi.rank() != root) return;
  std::string list;
  for (int rank = 0; rank < mpi.size(); ++rank) {
    const std::size_t first = places[rank], size = size_of(rank);
    if (list.size() < first + size) list.resize(first + size, '.');
    list.replace(first, size, size, static_cast<char>('a' + rank % 26));
  }
  if (list.front() == '.') pdc::fault("nobody at the start");
  pdc::say("{}", list);
}

/// Wrong on purpose: the sum of all sizes up to one's own is where the part ends.
std::int64_t begin_at_scan(const pdc::mpi::Session& mpi) {
  const std::int64_t size = size_of(mpi.rank());
  std::int64_t place = 0;
  MPI_Scan(&size, &place, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  write(mpi, place);
  return place;
}

std::int64_t begin_at_exscan(const pdc::mpi::Session& mpi) {
  const std::int64_t size = size_of(mpi.rank());
  std::int64_t place = size;  // on rank 0 that may stay, or anything else may come
  MPI_Exscan(&size, &place, 1, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  if (mpi.rank() == 0) place = 0;
  write(mpi, place);
  return place;
}

struct ByHand {
  std::int64_t place = 0;
  int rounds = 0;
};

/// The scan of Hillis and Steele (1986). In each round a rank hears from twice as far away what that
/// rank and some before it have. What comes from nobody leaves `theirs` as it is.
ByHand scan_by_hand(const pdc::mpi::Session& mpi) {
  const int rank = mpi.rank(), ranks = mpi.size();
  ByHand hand;
  std::int64_t up_to_me = size_of(rank);
  for (int step = 1; step < ranks; step *= 2) {
    const int to = rank + step < ranks ? rank + step : MPI_PROC_NULL;
    const int from = rank >= step ? rank - step : MPI_PROC_NULL;
    std::int64_t theirs = 0;
    MPI_Sendrecv(&up_to_me, 1, MPI_INT64_T, to, tag, &theirs, 1, MPI_INT64_T, from, tag,
                 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    hand.place += theirs;
    up_to_me += theirs;
    ++hand.rounds;
    const auto work = mpi.lane().work("{} up to here", up_to_me);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays a longer sum
  }
  return hand;
}

struct Smallest {  // as MPI_2INT has it: what is compared, and where it is
  int size, rank;
};

Smallest find_smallest(const pdc::mpi::Session& mpi) {
  const Smallest mine{size_of(mpi.rank()), mpi.rank()};
  Smallest found{};
  MPI_Allreduce(&mine, &found, 1, MPI_2INT, MPI_MINLOC, MPI_COMM_WORLD);
  if (mpi.rank() == root)
    pdc::say("the smallest, of {}, is that of rank {}", found.size, found.rank);
  return found;
}

struct Expected {
  std::int64_t place = 0;
  Smallest smallest;
};

/// One rank after the other.
Expected expect(int ranks, int mine) {
  Expected expected{0, {size_of(0), 0}};
  for (int rank = 0; rank < ranks; ++rank) {
    const int size = size_of(rank);
    if (rank < mine) expected.place += size;
    if (size < expected.smallest.size) expected.smallest = {size, rank};
  }
  return expected;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);

  const auto off = program.scene("by MPI_Scan", begin_at_scan, mpi);
  const auto right = program.scene("by MPI_Exscan", begin_at_exscan, mpi);
  const ByHand hand = program.scene("by hand", scan_by_hand, mpi);
  const Smallest found = find_smallest(mpi);

  const Expected expected = expect(mpi.size(), mpi.rank());
  const int size = size_of(mpi.rank()), rounds = std::bit_width(mpi.size() - 1U);
  pdc::check(off == expected.place + size, "by MPI_Scan, each part is off by its own size",
             "{} for {}", off, expected.place);
  pdc::check(right == expected.place,
             "by MPI_Exscan, each part begins where the one before it ends, or at 0", "{}", right);
  pdc::check(hand.place == expected.place && hand.rounds == rounds,
             "by hand, a scan finds the same place in ceil(log2(p)) rounds", "{} in {} rounds",
             hand.place, hand.rounds);
  pdc::check(found.size == expected.smallest.size && found.rank == expected.smallest.rank,
             "of all that have the smallest part, MPI_MINLOC names the lowest rank", "rank {}",
             found.rank);
  return program.finish();
}
