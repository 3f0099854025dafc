// SPDX-License-Identifier: MIT
/// A small record as an object, as in the page: from rank 0 to rank 1 and back, a way of it; and only
/// packed and unpacked.

#define main object_passing_main  // its page is a whole program
#include "object_passing.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  constexpr int runs = 2000;
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Sighting mine{1.5, 3};
  Sighting came{};
  Bytes bytes;
  std::vector<double> times, packing;
  for (int i = 0; i < bench::blocks(101); ++i) {
    const double time = bench::time_together([&] {
      for (int run = 0; run < runs; ++run) came = pass_round(mpi, 2, mine, bytes);
    });
    times.push_back(time / runs / 2);
    const auto pack_and_unpack = [&] {
      for (int run = 0; run < runs; ++run) {
        Packer(bytes) << mine;
        Unpacker(bytes) >> came;
      }
    };
    packing.push_back(bench::time_together(pack_and_unpack) / runs);
  }
  bench::say("passed", bench::median(times));
  bench::say("packed", bench::median(packing));
  return came.weight == mine.weight && came.day == mine.day ? 0 : 1;
}
