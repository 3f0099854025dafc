// Topology: ranks that stand in a grid know who is above, below, left and right of them.
//
// Concept   MPI_Dims_create finds rows and columns for all ranks, MPI_Cart_create puts them there,
//           MPI_Cart_shift tells who is next: beyond the edge MPI_PROC_NULL, nobody, or, periodic,
//           the one on the other side. MPI_Neighbor_alltoall exchanges with these alone.
// Shows     MPI_Dims_create, MPI_Cart_create, MPI_Cart_coords, MPI_Cart_shift,
//           MPI_Neighbor_alltoall, MPI_PROC_NULL, MPI_COMM_NULL, MPI_Comm_free
// Python    mpi4py MPI.Compute_dims, comm.Create_cart, grid.Get_coords, grid.Shift
// Run       mpirun -np 8 topology
// You see   2 rows of 3 leave out 2 of 8 ranks, 4 rows of 2 nobody; every message finds its side
// Next      ring knows two neighbours; heat exchanges the borders of its tiles with them

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>

namespace {

using Pair = std::array<int, 2>;   // down the rows, along the columns
using Sides = std::array<int, 4>;  // above, below, left, right: MPI's order

struct Grid {
  Grid(Pair size, bool periodic) {  // 0: a rank keeps its number
    MPI_Cart_create(MPI_COMM_WORLD, 2, size.data(), Pair{periodic, periodic}.data(), 0, &comm);
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
  ~Grid() {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
  MPI_Comm comm = MPI_COMM_NULL;  // stays so in a rank that is left out
};

int count_left_out(const pdc::mpi::Session& mpi, Pair size) {
  const Grid grid(size, false);
  const int out = grid.comm == MPI_COMM_NULL ? 1 : 0;
  auto span = out == 1 ? mpi.lane().wait("left out") : mpi.lane().work("in the grid");
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the work of those inside
  span.end();
  int all = 0;
  MPI_Allreduce(&out, &all, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return all;
}

struct Place {
  Pair at{};
  Sides neighbours{}, heard{};
};

Place meet_neighbours(const pdc::mpi::Session& mpi, Pair size, bool periodic) {
  Place my;
  const Grid grid(size, periodic);
  MPI_Cart_coords(grid.comm, mpi.rank(), 2, my.at.data());
  auto& [above, below, left, right] = my.neighbours;
  MPI_Cart_shift(grid.comm, 0, 1, &above, &below);
  MPI_Cart_shift(grid.comm, 1, 1, &left, &right);
  auto work = mpi.lane().work("row {}, column {}", my.at[0], my.at[1]);
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the work on its tile
  work.end();
  my.heard.fill(MPI_PROC_NULL);  // stays so where nobody is
  Sides sent;
  std::iota(sent.begin(), sent.end(), 4 * mpi.rank());  // to each side another number
  MPI_Neighbor_alltoall(sent.data(), 1, MPI_INT, my.heard.data(), 1, MPI_INT, grid.comm);
  const auto name = [](int rank) { return rank < 0 ? "nobody" : std::to_string(rank); };
  pdc::mpi::say_by_rank(fmt::format("rank {} at {},{}: above {}, below {}, left {}, right {}",
                                    mpi.rank(), my.at[0], my.at[1], name(above), name(below),
                                    name(left), name(right)));
  return my;
}

/// By hand: the ranks are numbered row by row.
Sides neighbours_of(int rank, Pair size, bool periodic) {
  const auto at = [&](int row, int column) {
    if (periodic) row = (row + size[0]) % size[0], column = (column + size[1]) % size[1];
    const bool inside = row >= 0 && row < size[0] && column >= 0 && column < size[1];
    return inside ? row * size[1] + column : MPI_PROC_NULL;
  };
  const int row = rank / size[1], column = rank % size[1];
  return {at(row - 1, column), at(row + 1, column), at(row, column - 1), at(row, column + 1)};
}

/// What each neighbour has sent to its opposite side.
Sides heard_from(const Sides& neighbours) {
  const auto [above, below, left, right] = neighbours;
  const auto sent = [](int rank, int side) { return rank < 0 ? rank : 4 * rank + side; };
  return {sent(above, 1), sent(below, 0), sent(left, 3), sent(right, 2)};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // alone, it would be its own neighbour on all sides

  const int row = std::min(3, mpi.size());  // Wrong on purpose: always rows of three
  Pair size{};
  MPI_Dims_create(mpi.size(), 2, size.data());

  const int left = program.scene("rows of three", count_left_out, mpi, Pair{mpi.size() / row, row});
  const int all = count_left_out(mpi, size);  // the same, for all
  const Place flat = program.scene("with edges", meet_neighbours, mpi, size, false);
  const Place torus = program.scene("edges that meet", meet_neighbours, mpi, size, true);

  pdc::check(left == mpi.size() % row, "rows of three leave out whoever does not fit",
             "{} of {} ranks", left, mpi.size());
  pdc::check(all == 0, "MPI_Dims_create leaves out nobody", "{} of {} ranks", all, mpi.size());
  pdc::check(flat.neighbours == neighbours_of(mpi.rank(), size, false),
             "neighbours are as found by hand, beyond the edge nobody");
  pdc::check(torus.neighbours == neighbours_of(mpi.rank(), size, true),
             "periodic, beyond the edge is the other side");
  pdc::check(flat.heard == heard_from(flat.neighbours), "each hears what was sent to its side");
  pdc::check(torus.heard == heard_from(torus.neighbours), "periodic, it hears on all four sides");
  return program.finish();
}
