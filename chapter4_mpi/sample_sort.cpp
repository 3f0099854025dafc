// Sample sort: each key travels once, to the rank whose range it belongs to.
//
// Concept   Splitters cut the keys into ranges, one for each rank. If all ranges are equally wide,
//           one key far away puts all others into one range. Instead each rank sorts its part and
//           gives p keys of it, at equal distances; all these samples are sorted, and every p-th is
//           a splitter.
// Shows     MPI_Allgather, MPI_Alltoall, MPI_Alltoallv, MPI_Allreduce, std::ranges::lower_bound
// Python    mpi4py comm.Allgather, comm.Alltoallv
// Run       mpirun -np 4 sample_sort --keys 16
// You see   by equal widths one rank gets 63 of 64 keys; by samples none gets more than 32
// Next      odd_even_sort moves each key by one rank a round; all_to_all has the exchange

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

namespace {

using Keys = std::vector<std::int64_t>;
using Counts = std::vector<int>;

constexpr int root = 0;

/// Wrong on purpose: equal widths are equal numbers of keys only where the keys lie evenly.
Keys cut_in_equal_widths(const Keys& part, int ranks) {
  std::int64_t highest = 0;
  MPI_Allreduce(&part.back(), &highest, 1, MPI_INT64_T, MPI_MAX, MPI_COMM_WORLD);
  Keys splitters;
  for (int rank = 1; rank < ranks; ++rank) splitters.push_back(highest / ranks * rank);
  return splitters;
}

/// From one sample of a rank to its next are n / (p * p) keys. A range has p samples, and of each
/// rank's keys a part of one stretch more: at most 2 * n / p keys, if no two keys are equal.
Keys cut_by_samples(const Keys& part, int ranks) {
  Keys mine, samples(std::size_t(ranks) * ranks), splitters;
  for (int i = 0; i < ranks; ++i) mine.push_back(part[std::ssize(part) * i / ranks]);
  MPI_Allgather(mine.data(), ranks, MPI_INT64_T,  // all ranks find the same splitters
                samples.data(), ranks, MPI_INT64_T, MPI_COMM_WORLD);
  std::ranges::sort(samples);
  for (int rank = 1; rank < ranks; ++rank) splitters.push_back(samples[rank * ranks]);
  return splitters;
}

/// How many keys of a sorted part lie in each range; a splitter is the first of its range.
Counts count_ranges(const Keys& part, const Keys& splitters) {
  Counts counts;
  auto first = part.begin();
  for (const std::int64_t splitter : splitters) {
    const auto end = std::ranges::lower_bound(first, part.end(), splitter);
    counts.push_back(static_cast<int>(end - first));
    first = end;
  }
  counts.push_back(static_cast<int>(part.end() - first));
  return counts;
}

Counts places_of(const Counts& counts) {
  Counts places(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);
  return places;
}

/// Keys of several ranks, a sorted run of each, one behind the other.
struct Runs {
  Keys keys;
  Counts counts;  // of each rank
};

/// Sends each rank the keys of its range, and receives those of this rank's range, from all.
Runs exchange_keys(const Keys& part, const Counts& out) {
  Runs in{{}, Counts(out.size())};
  MPI_Alltoall(out.data(), 1, MPI_INT, in.counts.data(), 1, MPI_INT, MPI_COMM_WORLD);
  in.keys.resize(std::reduce(in.counts.begin(), in.counts.end()));
  MPI_Alltoallv(part.data(), out.data(), places_of(out).data(), MPI_INT64_T, in.keys.data(),
                in.counts.data(), places_of(in.counts).data(), MPI_INT64_T, MPI_COMM_WORLD);
  return in;
}

/// Each run joins those before it.
void merge(Runs& runs) {
  auto end = runs.keys.begin();
  for (const int count : runs.counts) {
    std::inplace_merge(runs.keys.begin(), end, end + count);
    end += count;
  }
}

Runs collect_on_root(const Keys& range, int ranks) {
  Runs all{{}, Counts(ranks)};
  const int count = static_cast<int>(range.size());
  MPI_Gather(&count, 1, MPI_INT, all.counts.data(), 1, MPI_INT, root, MPI_COMM_WORLD);
  all.keys.resize(std::reduce(all.counts.begin(), all.counts.end()));
  MPI_Gatherv(range.data(), count, MPI_INT64_T, all.keys.data(), all.counts.data(),
              places_of(all.counts).data(), MPI_INT64_T, root, MPI_COMM_WORLD);
  return all;
}

/// In no order. The last digits make no two equal, and one is as far away as it has to be.
Keys all_keys(int ranks, int count) {
  const std::int64_t all = std::int64_t{ranks} * count;
  std::mt19937 random;  // the same numbers on all ranks, in every run
  Keys keys;
  for (int i = 0; i < all; ++i) keys.push_back(std::int64_t(random() % 1000) * all + i);
  keys.front() = 1000 * all * ranks;
  return keys;
}

Runs sort(const pdc::mpi::Session& mpi, const Keys& all, int count, decltype(cut_by_samples) cut) {
  const auto first = all.begin() + std::int64_t{mpi.rank()} * count;
  Keys part(first, first + count);  // a rank has no others
  std::ranges::sort(part);
  Runs in = exchange_keys(part, count_ranges(part, cut(part, mpi.size())));
  auto work = mpi.lane().work("merges {}", in.keys.size());
  merge(in);
  std::this_thread::sleep_for(std::chrono::microseconds(100) * in.keys.size());  // plays more keys
  work.end();
  const Runs sorted = collect_on_root(in.keys, mpi.size());
  if (std::ranges::max(sorted.counts) > 2 * count) pdc::fault("nearly all on one rank");
  pdc::say("keys of each rank: {}", pdc::join(sorted.counts));
  return sorted;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const int least = std::max(16, mpi.size());  // a key for each sample
  pdc::Program program(argc, argv, {{"keys", least, "keys of each rank", {double(least), 1000}}});
  mpi.need_ranks(3);  // of two ranks, each may have all keys: 2 * n / p
  const int count = program.integer("keys"), all = mpi.size() * count;

  Keys keys = all_keys(mpi.size(), count);
  const Runs wide = program.scene("equal widths", sort, mpi, keys, count, cut_in_equal_widths);
  const Runs even = program.scene("regular samples", sort, mpi, keys, count, cut_by_samples);

  std::ranges::sort(keys);
  if (mpi.rank() == root) {
    const int most = std::ranges::max(even.counts);
    pdc::check(wide.counts[0] == all - 1, "by equal widths, one rank gets all keys but one",
               "{} of {}", wide.counts[0], all);
    pdc::check(most <= 2 * count, "by regular samples, no rank gets more than 2 * n / p keys",
               "{} and {}", most, 2 * count);
    pdc::check(wide.keys == keys && even.keys == keys,
               "rank after rank, the keys are those of a serial sort", "{} keys", all);
  }
  return program.finish();
}
