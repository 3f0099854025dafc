// Topology: ranks that stand in a grid know who is above, below, left and right of them.
//
// Concept   MPI_Dims_create finds rows and columns for all ranks, MPI_Cart_create puts them there,
//           MPI_Cart_shift tells who is next: beyond an edge MPI_PROC_NULL, nobody, or, if the grid
//           is periodic, the rank on the other side. MPI_Neighbor_alltoall exchanges with these.
// Shows     MPI_Dims_create, MPI_Cart_create, MPI_Cart_coords, MPI_Cart_shift,
//           MPI_Neighbor_alltoall, MPI_PROC_NULL, MPI_COMM_NULL, MPI_Comm_free
// Python    mpi4py MPI.Compute_dims, comm.Create_cart, grid.Get_coords, grid.Shift
// Run       mpirun -np 8 topology
// You see   2 rows of 3 leave out 2 of 8 ranks, 4 rows of 2 none; every message finds its side
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
  Grid(Pair size, bool periodic) {
    const Pair wraps{periodic, periodic};
    const int reorder = 0;  // each rank keeps its number
    MPI_Cart_create(MPI_COMM_WORLD, 2, size.data(), wraps.data(), reorder, &comm);
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
  ~Grid() {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
  MPI_Comm comm = MPI_COMM_NULL;  // stays so in a rank that is left out
};

/// Wrong on purpose if there are more ranks than they fill: rows of three.
Pair rows_of_three(int ranks) {
  const int columns = std::min(3, ranks);
  return {ranks / columns, columns};
}

Pair rows_and_columns(int ranks) {
  Pair size{};  // 0: for MPI to choose
  MPI_Dims_create(ranks, 2, size.data());
  return size;
}

int count_left_out(const pdc::mpi::Session& mpi, Pair size) {
  const Grid grid(size, false);
  const int out = grid.comm == MPI_COMM_NULL ? 1 : 0;
  if (out == 1) pdc::fault("left out");
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
  const auto name = [](int rank) {
    return rank == MPI_PROC_NULL ? "nobody" : std::to_string(rank);
  };
  pdc::mpi::say_by_rank(fmt::format("rank {} at {},{}: above {}, below {}, left {}, right {}",
                                    mpi.rank(), my.at[0], my.at[1], name(above), name(below),
                                    name(left), name(right)));
  return my;
}

/// By hand: the ranks are numbered row by row.
Sides neighbours_of(int rank, Pair size, bool periodic) {
  const auto [rows, columns] = size;
  const auto at = [&](int row, int column) {
    if (periodic) return (row + rows) % rows * columns + (column + columns) % columns;
    const bool inside = row >= 0 && row < rows && column >= 0 && column < columns;
    return inside ? row * columns + column : MPI_PROC_NULL;
  };
  const int row = rank / columns, column = rank % columns;
  return {at(row - 1, column), at(row + 1, column), at(row, column - 1), at(row, column + 1)};
}

/// What each neighbour has sent to its opposite side.
Sides sent_by(const Sides& neighbours) {
  const auto [above, below, left, right] = neighbours;
  const auto sent = [](int rank, int side) {
    return rank == MPI_PROC_NULL ? MPI_PROC_NULL : 4 * rank + side;
  };
  return {sent(above, 1), sent(below, 0), sent(left, 3), sent(right, 2)};
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // alone, it would be its own neighbour on all sides

  const int ranks = mpi.size();
  const Pair three = rows_of_three(ranks), size = rows_and_columns(ranks);
  const int left_out = program.scene("rows of three", count_left_out, mpi, three);
  const int none = count_left_out(mpi, size);  // no scene: those that follow have this grid
  const Place flat = program.scene("with edges", meet_neighbours, mpi, size, false);
  const Place torus = program.scene("edges that meet", meet_neighbours, mpi, size, true);

  const Sides by_hand = neighbours_of(mpi.rank(), size, false);
  const Sides round = neighbours_of(mpi.rank(), size, true);
  pdc::check(left_out == ranks % three[1], "rows of three leave out the ranks that fill no row",
             "{} of {} ranks", left_out, ranks);
  pdc::check(none == 0, "the rows and columns of MPI_Dims_create leave out no rank",
             "{} of {} ranks", none, ranks);
  pdc::check(flat.neighbours == by_hand,
             "each rank's neighbours are those found by hand, and beyond an edge nobody");
  pdc::check(torus.neighbours == round,
             "where edges meet, the neighbour beyond an edge is the rank on the other side");
  pdc::check(flat.heard == sent_by(by_hand), "each rank hears what was sent to its side");
  pdc::check(torus.heard == sent_by(round), "where edges meet, each rank hears on all four sides");
  return program.finish();
}
