// SPDX-License-Identifier: MIT
/// The page's sort of keys that the ranks have, beside std::sort of all of them on one rank.

#define main sample_sort_main  // its page is a whole program
#include "sample_sort.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  constexpr int all = 1 << 21;
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const int count = all / mpi.size();
  const Keys keys = all_keys(mpi.size(), count);
  const auto first = keys.begin() + std::int64_t{mpi.rank()} * count;
  std::vector<double> shared, serial;
  for (int i = 0; i < bench::blocks(7); ++i) {
    Keys part(first, first + count), copy = keys;
    shared.push_back(bench::time_together([&] {
      std::ranges::sort(part);
      Runs in = exchange_keys(part, count_ranges(part, cut_by_samples(part, mpi.size())));
      merge(in);
    }));
    serial.push_back(bench::time_together([&] {
      if (mpi.rank() == root) std::sort(copy.begin(), copy.end());
    }));
  }
  bench::say("shared_out", bench::median(shared));
  bench::say("serial", bench::median(serial));
}
