// Scatter: the root deals out an array, each rank gets its part.
//
// Concept   MPI_Scatter deals out equal parts. Elements that do not divide by the ranks are left
//           over, silently: they stay with the root and belong to nobody. MPI_Scatterv takes a
//           count and a place for each rank, so that parts may differ and nothing is left.
// Shows     MPI_Scatter, MPI_Gather, MPI_Scatterv, MPI_Gatherv
// Python    mpi4py comm.Scatter, comm.Scatterv
// Run       mpirun -np 4 scatter --elements 23
// You see   equal parts lose the rest, uneven parts put together are the whole again
// Next      scatter_gather computes on the parts; gather collects parts of unknown length

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;

/// 1, 2, 3, ... on the root, nothing elsewhere.
Numbers make(const pdc::mpi::Session& mpi, int size) {
  if (mpi.rank() != 0) return {};
  const auto work = mpi.lane().work("makes {}", size);
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the making
  Numbers whole(static_cast<std::size_t>(size));
  std::iota(whole.begin(), whole.end(), 1);
  return whole;
}

/// Each element ten times: so it can be seen that it has been through a rank, exactly once.
void work_on(Numbers& part, const pdc::Lane& lane) {
  const auto work = lane.work("works on {}", part.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(2) * part.size());  // plays the work
  for (int& element : part) element *= 10;
}

/// Wrong on purpose where the elements do not divide by the ranks.
Numbers deal_equal_parts(const pdc::mpi::Session& mpi, int size) {
  Numbers whole = make(mpi, size);
  const int count = size / mpi.size();
  Numbers part(static_cast<std::size_t>(count));
  MPI_Scatter(whole.data(), count, MPI_INT, part.data(), count, MPI_INT, 0, MPI_COMM_WORLD);
  work_on(part, mpi.lane());
  MPI_Gather(part.data(), count, MPI_INT, whole.data(), count, MPI_INT, 0, MPI_COMM_WORLD);
  return whole;
}

/// The first (size % ranks) ranks get one element more than the others.
Numbers deal_all(const pdc::mpi::Session& mpi, int size) {
  Numbers whole = make(mpi, size);
  std::vector<int> counts(static_cast<std::size_t>(mpi.size()), size / mpi.size());
  std::for_each_n(counts.begin(), size % mpi.size(), [](int& count) { ++count; });
  std::vector<int> places(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);

  const int count = counts[static_cast<std::size_t>(mpi.rank())];
  Numbers part(static_cast<std::size_t>(count));
  MPI_Scatterv(whole.data(), counts.data(), places.data(),
               MPI_INT,                                          // on the root: what, where from
               part.data(), count, MPI_INT, 0, MPI_COMM_WORLD);  // everywhere: where to
  work_on(part, mpi.lane());
  MPI_Gatherv(part.data(), count, MPI_INT,  // and back the same way
              whole.data(), counts.data(), places.data(), MPI_INT, 0, MPI_COMM_WORLD);
  return whole;
}

/// How many of the elements came back ten times as large, each at its place.
int dealt(const Numbers& whole) {
  int count = 0;
  for (std::size_t i = 0; i < whole.size(); ++i)
    count += whole[i] == 10 * (static_cast<int>(i) + 1) ? 1 : 0;
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"elements", 23, "elements in the array", {1, 100'000}}});
  const int size = program.integer("elements");
  Numbers whole(
      static_cast<std::size_t>(size));  // only the root's is read, the others could be empty
  std::iota(whole.begin(), whole.end(), 1);

  const Numbers equal = program.scene("MPI_Scatter: equal parts", deal_equal_parts, mpi, size);
  const Numbers all = program.scene("MPI_Scatterv: parts that fit", deal_all, mpi, size);

  if (mpi.rank() == 0) {
    pdc::check(dealt(equal) == size - size % mpi.size(),
               "equal parts leave the remainder to nobody", "{} of {} elements dealt", dealt(equal),
               size);
    pdc::check(dealt(all) == size, "parts that fit leave nothing, and deal nothing twice",
               "{} of {} elements dealt", dealt(all), size);
  }
  return program.finish();
}
