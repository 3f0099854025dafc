/// A small record as an object, from rank 0 to rank 1 and back, as in the page.

#define main object_passing_main  // its page is a whole program
#include "object_passing.cpp"
#undef main

#include "mpi_bench.hpp"

int main(int argc, char** argv) {
  constexpr int blocks = 41, runs = 500;
  const pdc::mpi::Session mpi(argc, argv);
  const pdc::detail::Paused paused;
  const Sighting mine{1.5, 3};
  Sighting came{};
  Bytes bytes;
  std::vector<double> times;
  for (int i = 0; i < blocks; ++i) {
    const double time = bench::time_together([&] {
      for (int run = 0; run < runs; ++run) came = pass_round(mpi, 2, mine, bytes);
    });
    times.push_back(time / runs / 2);
  }
  bench::say(mpi, "record", bench::median(times));
  return came == mine ? 0 : 1;
}
