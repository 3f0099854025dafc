// SPDX-License-Identifier: MIT
/// A small record, packed, sent and unpacked as in the page: from rank 0 to rank 1 and back, a way of
/// it; and only packed and unpacked.

#define main object_passing_main  // its page is a whole program
#include "object_passing.cpp"
#undef main

#include "mpi_bench.hpp"

namespace {

struct Sighting {
  double weight = 0;
  int day = 0;

  void serialize(auto& archive, unsigned /*version*/) { (archive & weight) & day; }
};

/// Returns what came back, on rank 0.
Sighting pass(int rank, const Sighting& mine) {
  if (rank == 0) send(pack(mine), 1);
  const Sighting came = unpack<Sighting>(receive(1 - rank)).value();
  if (rank == 1) send(pack(came), 0);
  return came;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int runs = 2000;
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Sighting mine{1.5, 3};
  Sighting came, unpacked;
  std::vector<double> times, packing;
  for (int i = 0; i < bench::blocks(101); ++i) {
    const auto pass_it = [&] {
      for (int run = 0; run < runs; ++run) came = pass(mpi.rank(), mine);
    };
    times.push_back(bench::time_together(pass_it) / runs / 2);
    const auto pack_and_unpack = [&] {
      for (int run = 0; run < runs; ++run) unpacked = unpack<Sighting>(pack(mine)).value();
    };
    packing.push_back(bench::time_together(pack_and_unpack) / runs);
  }
  bench::say("passed", bench::median(times));
  bench::say("packed", bench::median(packing));
  return came.day == mine.day && unpacked.day == mine.day ? 0 : 1;
}
