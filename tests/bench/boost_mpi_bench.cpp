// SPDX-License-Identifier: MIT
/// What object_passing_bench is held against: the same record, there and back, by Boost.MPI's send
/// and recv, which pack it into an archive with all defaults; and that archive alone.

#include <algorithm>
#include <boost/mpi.hpp>
#include <vector>

#include "mpi_bench.hpp"

namespace {

constexpr int runs = 2000;

struct Sighting {
  double weight;
  int day;
  void serialize(auto& both, unsigned /*version*/) { (both & weight) & day; }
};

void pass(const boost::mpi::communicator& world, const Sighting& mine) {
  Sighting came{};
  if (world.rank() == 0) world.send(1, 0, mine);
  world.recv(1 - world.rank(), 0, came);
  if (world.rank() == 1) world.send(0, 0, came);
}

void pack_and_unpack(const boost::mpi::communicator& world, const Sighting& mine) {
  Sighting came{};
  boost::mpi::packed_oarchive out(world);
  out << mine;
  boost::mpi::packed_iarchive in(world);
  in.resize(out.size());
  std::copy_n(static_cast<const char*>(out.address()), out.size(),
              static_cast<char*>(in.address()));
  in >> came;
}

/// Of one run.
double median_time(const boost::mpi::communicator& world, auto&& run) {
  const Sighting mine{1.5, 3};
  std::vector<double> times;
  for (int i = 0; i < bench::blocks(101); ++i) {
    const double time = bench::time_together([&] {
      for (int j = 0; j < runs; ++j) run(world, mine);
    });
    times.push_back(time / runs);
  }
  return bench::median(times);
}

}  // namespace

int main(int argc, char** argv) {
  const boost::mpi::environment environment(argc, argv);
  const boost::mpi::communicator world;
  bench::say("passed", median_time(world, pass) / 2);
  bench::say("packed", median_time(world, pack_and_unpack));
}
