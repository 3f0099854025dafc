// Graph topology: ranks whose parts of a mesh touch are neighbours, and exchange with no others.
//
// Concept   An irregular mesh is no grid: each rank has neighbours of its own, one or many. Each
//           tells MPI_Dist_graph_create_adjacent from whom it gets and to whom it sends. In a
//           neighbourhood collective it then hears its neighbours, in the order in which it named
//           them.
// Shows     MPI_Dist_graph_create_adjacent, MPI_UNWEIGHTED, MPI_Neighbor_allgatherv, MPI_Allgatherv
// Python    mpi4py comm.Create_dist_graph_adjacent, graph.Neighbor_allgatherv
// Run       mpirun -np 4 graph_topology
// You see   from all to all 16 pieces come, along the 4 borders 8, two for each
// Next      heat exchanges the borders of a grid, step by step

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <set>
#include <thread>
#include <vector>

namespace {

using Ranks = std::vector<int>;

struct Graph {
  explicit Graph(const Ranks& neighbours) {
    const int degree = static_cast<int>(neighbours.size());
    const int* const list = neighbours.data();
    MPI_Dist_graph_create_adjacent(MPI_COMM_WORLD, degree, list, MPI_UNWEIGHTED,  // from whom
                                   degree, list, MPI_UNWEIGHTED,                  // to whom
                                   MPI_INFO_NULL, 0, &comm);  // 0: each rank keeps its number
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;
  ~Graph() { MPI_Comm_free(&comm); }
  MPI_Comm comm = MPI_COMM_NULL;
};

/// The mesh is cut into a part for each rank. Part i has a border with part i - 1, and with i / 2.
Ranks neighbours_of(int rank, int ranks) {
  Ranks neighbours;
  for (int other = ranks - 1; other >= 0; --other) {  // any order will do; the pieces come in it
    const auto [lower, higher] = std::minmax({rank, other});
    if (lower != higher && (higher - 1 == lower || higher / 2 == lower))
      neighbours.push_back(other);
  }
  return neighbours;
}

/// The values at the border of a part: more for some than for others. Each says whose it is.
std::vector<int> piece_of(int rank) {
  return std::vector<int>(rank + 1, rank);
}

/// Room for the pieces of these ranks, in this order.
struct Pieces {
  explicit Pieces(const Ranks& senders) {
    for (const int sender : senders) {
      counts.push_back(sender + 1);
      places.push_back(static_cast<int>(values.size()));
      values.resize(values.size() + sender + 1, MPI_PROC_NULL);
    }
  }
  std::vector<int> counts, places, values;
};

struct Heard {
  Ranks from;
  int pieces = 0;  // of all ranks
  bool whole = true;
};

/// Each piece is what its first value says.
Heard judge(const pdc::mpi::Session& mpi, const Pieces& in) {
  Heard heard;
  for (std::size_t i = 0; i < in.places.size(); ++i) {
    const auto first = in.values.begin() + in.places[i];
    const int sender = *first;
    if (sender != MPI_PROC_NULL) heard.from.push_back(sender);
    heard.whole = heard.whole && std::count(first, first + in.counts[i], sender) == in.counts[i];
  }
  const int pieces = static_cast<int>(heard.from.size());
  MPI_Allreduce(&pieces, &heard.pieces, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  pdc::mpi::say_by_rank(fmt::format("rank {} hears from {}", mpi.rank(), pdc::join(heard.from)));
  return heard;
}

void work(const pdc::mpi::Session& mpi) {
  const auto span = mpi.lane().work("its part");
  const int size = mpi.rank() == mpi.size() - 1 ? 6 : 2;         // the last part is the largest
  std::this_thread::sleep_for(std::chrono::milliseconds(size));  // plays it
}

/// Wrong on purpose: most of what a rank gets comes from ranks that it has no border with.
Heard tell_all(const pdc::mpi::Session& mpi) {
  Ranks all(mpi.size());
  std::iota(all.begin(), all.end(), 0);
  const std::vector<int> out = piece_of(mpi.rank());
  Pieces in(all);
  work(mpi);
  MPI_Allgatherv(out.data(), static_cast<int>(out.size()), MPI_INT, in.values.data(),
                 in.counts.data(), in.places.data(), MPI_INT, MPI_COMM_WORLD);
  work(mpi);  // the next step
  return judge(mpi, in);
}

Heard tell_neighbours(const pdc::mpi::Session& mpi) {
  const Ranks neighbours = neighbours_of(mpi.rank(), mpi.size());
  const Graph graph(neighbours);  // once for many exchanges
  const std::vector<int> out = piece_of(mpi.rank());
  Pieces in(neighbours);
  work(mpi);
  MPI_Neighbor_allgatherv(out.data(), static_cast<int>(out.size()), MPI_INT, in.values.data(),
                          in.counts.data(), in.places.data(), MPI_INT, graph.comm);
  work(mpi);
  return judge(mpi, in);
}

Ranks neighbours_by_hand(int rank, int ranks) {
  std::set<int> others{rank - 1, rank + 1, rank / 2, 2 * rank, 2 * rank + 1};
  std::erase_if(others, [&](int other) { return other < 0 || other >= ranks || other == rank; });
  return {others.rbegin(), others.rend()};  // as named
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // a mesh of one part has no borders

  const Heard all = program.scene("all to all", tell_all, mpi);
  const Heard near = program.scene("along the borders", tell_neighbours, mpi);

  const int ranks = mpi.size(), borders = ranks - 1 + std::max(0, ranks - 3);
  pdc::check(all.pieces == ranks * ranks, "from all to all come p * p pieces", "{} pieces",
             all.pieces);
  pdc::check(near.from == neighbours_by_hand(mpi.rank(), ranks),
             "in the graph each rank hears from its neighbours alone, in the order in which it "
             "named them");
  pdc::check(near.whole, "each piece comes whole, long or short");
  pdc::check(near.pieces == 2 * borders, "along each border come two pieces",
             "{} pieces along {} borders", near.pieces, borders);
  return program.finish();
}
