// Heat: a plate cools, tile by tile, and each tile needs what its neighbours have at the seams.
//
// Concept   A rank's tile lies in a ring of ghost cells, the halo: copies of its neighbours' edges,
//           new in every step. Each rank starts all its receives and sends, and then waits for all
//           of them: so no rank waits for a message that another one would send only later.
// Shows     MPI_Cart_create, MPI_Cart_shift, MPI_Type_vector, MPI_Irecv, MPI_Isend, MPI_Waitall
// Run       mpirun -np 4 heat --steps 4
// You see   without the halo the seams are wrong; with it each cell is that of the serial plate
// Next      nonblocking computes while messages travel; task_graph has work that lies in no grid

// SPDX-License-Identifier: MIT
#include "heat.hpp"

#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace {

constexpr int root = 0;
constexpr int halo_tag = 7;

/// A rank's cells, and its neighbours on the grid of ranks.
struct Tile {
  Tile(const pdc::mpi::Session& mpi, const Area& plate) {
    std::array<int, 2> grid{}, at{};
    MPI_Dims_create(mpi.size(), 2, grid.data());
    MPI_Cart_create(MPI_COMM_WORLD, 2, grid.data(), std::array{0, 0}.data(), 0, &comm);
    MPI_Cart_shift(comm, 0, 1, &north, &south);  // MPI_PROC_NULL where the plate ends
    MPI_Cart_shift(comm, 1, 1, &west, &east);
    MPI_Cart_coords(comm, mpi.rank(), 2, at.data());
    now = hot_cells(plate, {plate.bottom * at[0] / grid[0], plate.bottom * (at[0] + 1) / grid[0],
                            plate.right * at[1] / grid[1], plate.right * (at[1] + 1) / grid[1]});
    next = Cells(now.area);
    MPI_Type_vector(now.area.rows(), 1, now.stride(), MPI_DOUBLE, &column);  // a cell of each row
    MPI_Type_commit(&column);
  }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;
  ~Tile() {
    MPI_Type_free(&column);
    MPI_Comm_free(&comm);
  }

  int north = MPI_PROC_NULL, south = MPI_PROC_NULL, west = MPI_PROC_NULL, east = MPI_PROC_NULL;
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Datatype column = MPI_DATATYPE_NULL;
  Cells now{Area{}}, next{Area{}};
};

void exchange_halo(Tile& tile) {
  const auto [top, bottom, left, right] = tile.now.area;
  const int width = right - left;
  Cells& cells = tile.now;
  MPI_Datatype column = tile.column;
  std::array<MPI_Request, 8> halo;
  MPI_Irecv(&cells.at(top - 1, left), width, MPI_DOUBLE, tile.north, halo_tag, tile.comm, &halo[0]);
  MPI_Irecv(&cells.at(bottom, left), width, MPI_DOUBLE, tile.south, halo_tag, tile.comm, &halo[1]);
  MPI_Irecv(&cells.at(top, left - 1), 1, column, tile.west, halo_tag, tile.comm, &halo[2]);
  MPI_Irecv(&cells.at(top, right), 1, column, tile.east, halo_tag, tile.comm, &halo[3]);
  MPI_Isend(&cells.at(top, left), width, MPI_DOUBLE, tile.north, halo_tag, tile.comm, &halo[4]);
  MPI_Isend(&cells.at(bottom - 1, left), width, MPI_DOUBLE, tile.south, halo_tag, tile.comm,
            &halo[5]);
  MPI_Isend(&cells.at(top, left), 1, column, tile.west, halo_tag, tile.comm, &halo[6]);
  MPI_Isend(&cells.at(top, right - 1), 1, column, tile.east, halo_tag, tile.comm, &halo[7]);
  MPI_Waitall(8, halo.data(), MPI_STATUSES_IGNORE);
}

/// Alone it is wrong on purpose: the ghosts stay 0, as if each tile were a plate of its own.
void compute(Tile& tile, const pdc::Lane& lane) {
  const auto work = lane.work("cells");
  const Area& area = tile.now.area;
  const int stride = tile.now.stride();
  for (int row = area.top; row < area.bottom; ++row) {
    const double* const here = &tile.now.at(row, area.left);
    double* const next = &tile.next.at(row, area.left);
    for (int i = 0; i < area.columns(); ++i)
      next[i] = here[i] + flow * (here[i - stride] + here[i + stride] + here[i - 1] + here[i + 1] -
                                  4 * here[i]);
  }
  std::swap(tile.now, tile.next);
}

/// Right: the tile is computed with its neighbours' cells of the step before.
void step(Tile& tile, const pdc::Lane& lane) {
  exchange_halo(tile);
  compute(tile, lane);
}

using Step = void(Tile& tile, const pdc::Lane& lane);

/// A scene in which the plate cools; then this rank's cells.
Cells cool(pdc::Program& program, const char* scene, const pdc::mpi::Session& mpi,
           const Area& plate, Step& step) {
  Tile tile(mpi, plate);
  program.scene(scene, [&] {
    for (int i = 0; i < program.integer("steps"); ++i) step(tile, mpi.lane());
  });
  return tile.now;
}

/// On the root, of all tiles.
Verdict judge_all(const Cells& mine, const Cells& serial) {
  const Verdict verdict = judge(mine, serial);
  Verdict all;
  MPI_Reduce(&verdict, &all, 3, MPI_INT64_T, MPI_SUM, root, MPI_COMM_WORLD);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const double least = std::max(64, mpi.size());  // so that each rank has cells
  pdc::Program program(argc, argv,
                       {{"rows", 601, "of cells", {least, 8192}},
                        {"columns", 801, "of cells", {least, 8192}},
                        {"steps", 4, "in time", {1, 100'000}}});
  const Area plate{0, program.integer("rows"), 0, program.integer("columns")};

  const Cells apart = cool(program, "without the halo", mpi, plate, compute);
  const Cells joined = cool(program, "with the halo", mpi, plate, step);

  const Cells serial = cool_serially(plate, program.integer("steps"));
  const Verdict without = judge_all(apart, serial), with = judge_all(joined, serial);
  if (mpi.rank() == root) {
    const auto cells = std::int64_t{plate.rows()} * plate.columns();
    pdc::check(
        without.wrong_at_seams == without.at_seams && (without.at_seams > 0) == (mpi.size() > 1),
        "without the halo, every cell at a seam is wrong", "{} of {}", without.wrong_at_seams,
        without.at_seams);
    pdc::check(with.same == cells,
               "with the halo, every cell is that of the serial plate, to the last bit", "{} of {}",
               with.same, cells);
  }
  return program.finish();
}
