// Heat: a plate cools, tile by tile, and each tile needs what its neighbours have at the seams.
//
// Concept   A rank's tile lies in a ring of ghost cells, the halo: its neighbours' edges, new in
//           every step. While they are on their way it computes its inner cells, and then its rim.
// Shows     MPI_Cart_create, MPI_Cart_shift, MPI_Type_vector, MPI_Irecv, MPI_Isend, MPI_Testall,
//           MPI_Waitall
// Run       mpirun -np 4 heat --steps 4 --image heat.png
// You see   without the halo the seams are wrong; with it each cell is that of the serial plate
// Next      nonblocking has the overlap and little else; task_graph has work that lies in no grid

// SPDX-License-Identifier: MIT
#include "heat.hpp"

#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int halo_tag = 7;
constexpr int tile_tag = 8;
constexpr int nobody = MPI_PROC_NULL;
constexpr int rows_at_a_time = 32;  // between two looks at the messages

/// A rank's cells and its neighbours on the grid of ranks. A rank alone has the whole plate.
struct Tile {
  Tile(MPI_Comm world, const Area& plate) {
    MPI_Comm_size(world, &ranks);
    MPI_Comm_rank(world, &rank);
    MPI_Dims_create(ranks, 2, grid.data());
    MPI_Cart_create(world, 2, grid.data(), std::array{0, 0}.data(), 0, &comm);
    MPI_Cart_shift(comm, 0, 1, &above, &below);  // nobody where the plate ends
    MPI_Cart_shift(comm, 1, 1, &left, &right);
    now = next = Cells(area_of(rank, plate));
    MPI_Type_vector(now.area.rows(), 1, now.stride(), MPI_DOUBLE, &column);  // a cell of each row
    MPI_Type_commit(&column);
    for (int row = now.area.top; row < now.area.bottom; ++row)
      for (int i = now.area.left; i < now.area.right; ++i) *now.at(row, i) = wave(plate, row, i);
  }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;
  ~Tile() {
    MPI_Type_free(&column);
    MPI_Comm_free(&comm);
  }
  Area area_of(int some_rank, const Area& plate) const {
    std::array<int, 2> at{};
    MPI_Cart_coords(comm, some_rank, 2, at.data());
    return {plate.bottom * at[0] / grid[0], plate.bottom * (at[0] + 1) / grid[0],
            plate.right * at[1] / grid[1], plate.right * (at[1] + 1) / grid[1]};
  }

  int ranks = 1, rank = 0;
  int above = nobody, below = nobody, left = nobody, right = nobody;
  std::array<int, 2> grid{};
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Datatype column = MPI_DATATYPE_NULL;
  Cells now{Area{}}, next{Area{}};
};

void update(Tile& tile, const Area& area) {
  const int stride = tile.now.stride();
  for (int row = area.top; row < area.bottom; ++row) {
    const double* const here = tile.now.at(row, area.left);
    const double* const above = here - stride;
    const double* const below = here + stride;
    double* const next = tile.next.at(row, area.left);
    for (int i = 0; i < area.columns(); ++i)
      next[i] = here[i] + flow * (above[i] + below[i] + here[i - 1] + here[i + 1] - 4 * here[i]);
  }
}

void step(Tile& tile, const pdc::Lane& lane) {
  const auto [top, bottom, left, right] = tile.now.area;
  const int width = right - left;
  Cells& cells = tile.now;
  MPI_Datatype column = tile.column;
  std::array<MPI_Request, 8> halo;
  MPI_Irecv(cells.at(top - 1, left), width, MPI_DOUBLE, tile.above, halo_tag, tile.comm, &halo[0]);
  MPI_Irecv(cells.at(bottom, left), width, MPI_DOUBLE, tile.below, halo_tag, tile.comm, &halo[1]);
  MPI_Irecv(cells.at(top, left - 1), 1, column, tile.left, halo_tag, tile.comm, &halo[2]);
  MPI_Irecv(cells.at(top, right), 1, column, tile.right, halo_tag, tile.comm, &halo[3]);
  MPI_Isend(cells.at(top, left), width, MPI_DOUBLE, tile.above, halo_tag, tile.comm, &halo[4]);
  MPI_Isend(cells.at(bottom - 1, left), width, MPI_DOUBLE, tile.below, halo_tag, tile.comm,
            &halo[5]);
  MPI_Isend(cells.at(top, left), 1, column, tile.left, halo_tag, tile.comm, &halo[6]);
  MPI_Isend(cells.at(top, right - 1), 1, column, tile.right, halo_tag, tile.comm, &halo[7]);

  const Area inner{top + (tile.above != nobody), bottom - (tile.below != nobody),
                   left + (tile.left != nobody), right - (tile.right != nobody)};
  auto work = lane.work("inner");
  for (int row = inner.top; row < inner.bottom; row += rows_at_a_time) {
    update(tile, {row, std::min(row + rows_at_a_time, inner.bottom), inner.left, inner.right});
    int all_here = 0;  // not looked at: long messages move only while somebody calls MPI
    MPI_Testall(8, halo.data(), &all_here, MPI_STATUSES_IGNORE);
  }
  work.end();
  MPI_Waitall(8, halo.data(), MPI_STATUSES_IGNORE);
  const auto rim = lane.work("rim");
  update(tile, {top, inner.top, left, right});
  update(tile, {inner.bottom, bottom, left, right});
  update(tile, {inner.top, inner.bottom, left, inner.left});
  update(tile, {inner.top, inner.bottom, inner.right, right});
  std::swap(tile.now, tile.next);
}

/// The tiles of all ranks, on the root.
std::vector<Cells> collect(const Tile& tile, const Area& plate) {
  if (tile.rank != root) {
    MPI_Send(tile.now.values.data(), static_cast<int>(tile.now.values.size()), MPI_DOUBLE, root,
             tile_tag, tile.comm);
    return {};
  }
  std::vector<Cells> tiles{tile.now};
  for (int from = 1; from < tile.ranks; ++from) {
    Cells& came = tiles.emplace_back(tile.area_of(from, plate));
    MPI_Recv(came.values.data(), static_cast<int>(came.values.size()), MPI_DOUBLE, from, tile_tag,
             tile.comm, MPI_STATUS_IGNORE);
  }
  return tiles;
}

using Tiles = std::vector<Cells>;

/// A scene in which the plate cools; then its tiles, on the root.
Tiles cool(pdc::Program& program, const pdc::Lane& lane, const Area& plate, bool with_halo) {
  Tile tile(MPI_COMM_WORLD, plate);
  if (!with_halo) tile.above = tile.below = tile.left = tile.right = nobody;  // Wrong on purpose
  program.scene(with_halo ? "with the halo" : "without the halo", [&] {
    for (int i = 0; i < program.integer("steps"); ++i) step(tile, lane);
  });
  return collect(tile, plate);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  const double least = std::max(64, mpi.size());  // so that each rank has cells
  pdc::Program program(argc, argv,
                       {{"rows", 601, "of cells", {least, 8192}},
                        {"columns", 801, "of cells", {least, 8192}},
                        {"steps", 4, "in time", {1, 100'000}},
                        {"image", "", "write the plate without and with halo to this PNG file"}});
  const Area plate{0, program.integer("rows"), 0, program.integer("columns")};
  const int steps = program.integer("steps");

  const Tiles apart = cool(program, mpi.lane(), plate, false);
  const Tiles joined = cool(program, mpi.lane(), plate, true);

  if (mpi.rank() == root) {
    const Cells serial = cool_serially(plate, steps);
    const Verdict without = judge(apart, serial, height_after(steps, plate));
    const Verdict with = judge(joined, serial, height_after(steps, plate));
    pdc::check(without.wrong_at_seams == without.at_seams,
               "without the halo, every cell at a seam is wrong", "{} of {}",
               without.wrong_at_seams, without.at_seams);
    pdc::check(with.different == 0,
               "with the halo, every cell is that of the serial plate, to the last bit",
               "{} of {} differ", with.different, std::int64_t{plate.rows()} * plate.columns());
    pdc::check(with.off <= 1e-15 * (steps + 10), "every cell is as warm as the closed form says",
               "off by at most {:.0e}", with.off);
    write_image(program.word("image"), plate, apart, joined);
  }
  return program.finish();
}
