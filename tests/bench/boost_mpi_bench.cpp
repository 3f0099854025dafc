/// What object_passing_bench is held against: the same record, there and back, by Boost.MPI's send
/// and recv, which pack it into an archive with all defaults.

#include <algorithm>
#include <boost/mpi.hpp>
#include <cstdio>
#include <vector>

namespace {

struct Sighting {
  double weight;
  int day;
  void serialize(auto& both, unsigned /*version*/) { (both & weight) & day; }
};

}  // namespace

int main(int argc, char** argv) {
  constexpr int blocks = 41, runs = 500;
  const boost::mpi::environment environment(argc, argv);
  const boost::mpi::communicator world;
  const Sighting mine{1.5, 3};
  std::vector<double> times;
  for (int i = 0; i < blocks; ++i) {
    world.barrier();
    const double begin = MPI_Wtime();
    for (int run = 0; run < runs; ++run) {
      Sighting came{};
      if (world.rank() == 0) world.send(1, 0, mine);
      world.recv(1 - world.rank(), 0, came);
      if (world.rank() == 1) world.send(0, 0, came);
    }
    times.push_back((MPI_Wtime() - begin) / runs / 2);
  }
  std::ranges::sort(times);
  if (world.rank() == 0) std::printf("record 0 %.5g\n", times[blocks / 2]);
}
