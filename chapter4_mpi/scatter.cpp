// Scatter: the root deals out an array, each rank gets its part.
//
// Concept   MPI_Scatter deals out equal parts. Where the ranks do not divide the elements some are
//           left over: they stay with the root, nobody works on them, and no error says so.
//           MPI_Scatterv takes a count and a place for each rank, so that nothing need be left.
// Shows     MPI_Scatter, MPI_Scatterv, std::exclusive_scan
// Python    mpi4py comm.Scatter, comm.Scatterv
// Run       mpirun -np 4 scatter --elements 23
// You see   equal parts of 5 leave 3 elements to nobody; parts of 6, 6, 6 and 5 leave none
// Next      gather brings the parts back; scatter_gather computes on them

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int part_tag = 7;

using Numbers = std::vector<int>;

/// 1, 2, 3, ..., size
Numbers numbers(int size) {
  Numbers all(size);
  std::iota(all.begin(), all.end(), 1);
  return all;
}

/// Wrong on purpose where the ranks do not divide the elements: the rest is dealt to nobody.
Numbers deal_equal_parts(const Numbers& whole, int size, int ranks, int rank) {
  const int count = size / ranks;
  if (rank == root && size % ranks != 0) pdc::fault("the rest is dealt to nobody");
  Numbers part(count);
  MPI_Scatter(whole.data(), count, MPI_INT, part.data(), count, MPI_INT, root, MPI_COMM_WORLD);
  return part;
}

/// The first (size % ranks) ranks get one element more than the others.
Numbers deal_all(const Numbers& whole, int size, int ranks, int rank) {
  std::vector<int> counts(ranks, size / ranks);
  for (int i = 0; i < size % ranks; ++i) counts[i] += 1;
  std::vector<int> places(ranks);  // where each part begins: 0, then the sums of the counts so far
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);

  Numbers part(counts[rank]);
  // The root's array, counts and places are read on the root alone; the part is each rank's own.
  MPI_Scatterv(whole.data(), counts.data(), places.data(), MPI_INT, part.data(), counts[rank],
               MPI_INT, root, MPI_COMM_WORLD);
  return part;
}

using Deal = Numbers(const Numbers& whole, int size, int ranks, int rank);

/// The parts of all ranks, on the root, as the ranks send them back; elsewhere none.
std::vector<Numbers> collect_parts(const pdc::mpi::Session& mpi, const Numbers& part) {
  if (mpi.rank() != root) {
    MPI_Send(part.data(), static_cast<int>(part.size()), MPI_INT, root, part_tag, MPI_COMM_WORLD);
    return {};
  }
  std::vector<Numbers> parts{part};
  for (int from = 1; from < mpi.size(); ++from) {
    MPI_Status status;
    MPI_Probe(from, part_tag, MPI_COMM_WORLD, &status);  // how long is it?
    int count = 0;
    MPI_Get_count(&status, MPI_INT, &count);
    Numbers& came = parts.emplace_back(count);
    MPI_Recv(came.data(), count, MPI_INT, from, part_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
  return parts;
}

std::vector<Numbers> deal_and_work(const pdc::mpi::Session& mpi, Deal& deal, int size) {
  Numbers whole;  // empty except on the root
  if (mpi.rank() == root) whole = numbers(size);
  const Numbers part = deal(whole, size, mpi.size(), mpi.rank());
  {
    const auto work = mpi.lane().work("works on {}", part.size());
    const auto time = std::chrono::microseconds(40'000) * part.size() / size;
    std::this_thread::sleep_for(time);  // plays it
  }
  std::vector<Numbers> parts = collect_parts(mpi, part);
  for (int rank = 0; rank < std::ssize(parts); ++rank) {
    const Numbers& got = parts[rank];
    if (got.empty()) {
      pdc::say("rank {} got nothing", rank);
    } else {
      pdc::say("rank {} got {} to {}", rank, got.front(), got.back());
    }
  }
  return parts;
}

/// The parts one after the other, in the order of the ranks.
Numbers joined(const std::vector<Numbers>& parts) {
  Numbers all;
  for (const Numbers& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"elements", 23, "elements in the array", {1, 100'000}}});
  const int size = program.integer("elements");

  const auto equal =
      program.scene("MPI_Scatter: equal parts", deal_and_work, mpi, deal_equal_parts, size);
  const auto fitting =
      program.scene("MPI_Scatterv: parts that fit", deal_and_work, mpi, deal_all, size);

  if (mpi.rank() == root) {
    const Numbers by_equal = joined(equal), by_fitting = joined(fitting);
    const int rest = size % mpi.size();
    pdc::check(by_equal == numbers(size - rest),
               "MPI_Scatter deals equal parts, and what is left over stays with the root",
               "{} of {} dealt", by_equal.size(), size);
    pdc::check(by_fitting == numbers(size),
               "parts that fit deal every element once, in the order of the ranks",
               "{} of {} dealt", by_fitting.size(), size);
    const auto [least, most] = std::ranges::minmax(fitting, {}, &Numbers::size);
    pdc::check(most.size() - least.size() <= 1, "no part is larger than another by more than one",
               "{} to {} elements", least.size(), most.size());
  }
  return program.finish();
}
