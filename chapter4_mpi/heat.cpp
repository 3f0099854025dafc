// Heat: a plate cools, tile by tile, and each tile needs what its neighbours have at the seams.
//
// Concept   A rank's tile lies in a ring of ghost cells, the halo: its neighbours' edges, new in
//           every step. While they are on their way it computes its inner cells, and then its rim.
// Shows     MPI_Cart_create, MPI_Cart_shift, MPI_Type_vector, MPI_Irecv, MPI_Isend, MPI_Waitall
// Run       mpirun -np 4 heat --steps 4 --image heat.png
// You see   without the halo the seams are wrong; with it each cell is that of the serial plate
// Next      nonblocking has the overlap and little else, task_graph work that lies in no grid

// SPDX-License-Identifier: MIT
#include "pdc/image.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace {

constexpr int halo_tag = 7, tile_tag = 8, nobody = MPI_PROC_NULL;
constexpr double flow = 0.2;  // in a step, of the difference to each neighbour; stable up to 0.25

struct Area {
  int top, bottom, left, right;  // of the plate's cells; bottom and right are the first beyond it
};

/// The plate at first: hot in the middle, half a wave down and half a wave across.
double wave(const Area& plate, int row, int column) {
  return std::sin(std::numbers::pi * (row + 1) / (plate.bottom + 1)) *
         std::sin(std::numbers::pi * (column + 1) / (plate.right + 1));
}

/// A rank's cells in a ring of ghost cells, which are 0 at first. A rank alone has the whole plate.
struct Tile {
  Tile(MPI_Comm world, const Area& whole) : plate(whole) {
    MPI_Comm_size(world, &ranks);
    MPI_Comm_rank(world, &rank);
    MPI_Dims_create(ranks, 2, grid.data());
    MPI_Cart_create(world, 2, grid.data(), std::array{0, 0}.data(), 0, &comm);
    MPI_Cart_shift(comm, 0, 1, &above, &below);  // nobody where the plate ends
    MPI_Cart_shift(comm, 1, 1, &before, &behind);
    area = area_of(rank);
    stride = area.right - area.left + 2;
    MPI_Type_vector(area.bottom - area.top, 1, stride, MPI_DOUBLE, &column);
    MPI_Type_commit(&column);
    now = next = std::vector<double>((area.bottom - area.top + 2) * stride);
    for (int row = area.top; row < area.bottom; ++row)
      for (int i = area.left; i < area.right; ++i) *cell(row, i) = wave(plate, row, i);
  }
  Tile(const Tile&) = delete;
  Tile& operator=(const Tile&) = delete;
  ~Tile() {
    MPI_Type_free(&column);
    MPI_Comm_free(&comm);
  }
  Area area_of(int some_rank) const {
    std::array<int, 2> at{};
    MPI_Cart_coords(comm, some_rank, 2, at.data());
    return {plate.bottom * at[0] / grid[0], plate.bottom * (at[0] + 1) / grid[0],
            plate.right * at[1] / grid[1], plate.right * (at[1] + 1) / grid[1]};
  }
  double* cell(int row, int i) { return &now[(row - area.top + 1) * stride + i - area.left + 1]; }
  Area plate, area{};
  int ranks = 1, rank = 0, above = 0, below = 0, before = 0, behind = 0, stride = 0;
  std::array<int, 2> grid{};
  MPI_Comm comm = MPI_COMM_NULL;
  MPI_Datatype column = MPI_DATATYPE_NULL;  // a cell of each row
  std::vector<double> now, next;
};

void update(Tile& tile, const Area& area) {
  for (int row = area.top; row < area.bottom; ++row) {
    const double* const here = tile.cell(row, area.left);
    const double* const above = here - tile.stride;
    const double* const below = here + tile.stride;
    double* const next = tile.next.data() + (here - tile.now.data());
    for (int i = 0; i < area.right - area.left; ++i)
      next[i] = here[i] + flow * (above[i] + below[i] + here[i - 1] + here[i + 1] - 4 * here[i]);
  }
}

void step(Tile& t, const pdc::Lane& lane) {
  const auto [top, bottom, left, right] = t.area;
  const int width = right - left;
  std::array<MPI_Request, 8> halo;
  MPI_Irecv(t.cell(top - 1, left), width, MPI_DOUBLE, t.above, halo_tag, t.comm, &halo[0]);
  MPI_Irecv(t.cell(bottom, left), width, MPI_DOUBLE, t.below, halo_tag, t.comm, &halo[1]);
  MPI_Irecv(t.cell(top, left - 1), 1, t.column, t.before, halo_tag, t.comm, &halo[2]);
  MPI_Irecv(t.cell(top, right), 1, t.column, t.behind, halo_tag, t.comm, &halo[3]);
  MPI_Isend(t.cell(top, left), width, MPI_DOUBLE, t.above, halo_tag, t.comm, &halo[4]);
  MPI_Isend(t.cell(bottom - 1, left), width, MPI_DOUBLE, t.below, halo_tag, t.comm, &halo[5]);
  MPI_Isend(t.cell(top, left), 1, t.column, t.before, halo_tag, t.comm, &halo[6]);
  MPI_Isend(t.cell(top, right - 1), 1, t.column, t.behind, halo_tag, t.comm, &halo[7]);
  const Area inner{top + (t.above != nobody), bottom - (t.below != nobody),
                   left + (t.before != nobody), right - (t.behind != nobody)};
  auto work = lane.work("inner");
  update(t, inner);
  work.end();
  MPI_Waitall(8, halo.data(), MPI_STATUSES_IGNORE);
  const auto rim = lane.work("rim");
  update(t, {top, inner.top, left, right});
  update(t, {inner.bottom, bottom, left, right});
  update(t, {inner.top, inner.bottom, left, inner.left});
  update(t, {inner.top, inner.bottom, inner.right, right});
  std::swap(t.now, t.next);
}

void cool(Tile& tile, int steps, const pdc::Lane& lane) {
  for (int i = 0; i < steps; ++i) step(tile, lane);
}

/// On rank 0: how many cells are not those of the serial plate, how far off the wave the worst is.
std::pair<int, double> judge(Tile& t, Tile& serial, double height, pdc::Image& image, int x) {
  const auto glow = [](double y) { return static_cast<std::uint8_t>(255 * std::clamp(y, 0., 1.)); };
  std::pair seen(0, 0.0);
  std::vector<double> cells = t.now;
  int n = static_cast<int>(cells.size());
  if (t.rank > 0) MPI_Send(cells.data(), n, MPI_DOUBLE, 0, tile_tag, t.comm);
  for (int from = 0; t.rank == 0 && from < t.ranks; ++from) {
    const auto [top, bottom, left, right] = t.area_of(from);
    n = (bottom - top + 2) * (right - left + 2);
    cells.resize(n);
    if (from > 0) MPI_Recv(cells.data(), n, MPI_DOUBLE, from, tile_tag, t.comm, MPI_STATUS_IGNORE);
    const double* cell = cells.data() + right - left + 3;  // behind the ghosts above
    for (int row = top; row < bottom; ++row, cell += 2) {
      for (int i = left; i < right; ++i, ++cell) {
        seen.first += *cell == *serial.cell(row, i) ? 0 : 1;
        seen.second = std::max(seen.second, std::abs(*cell - height * wave(t.plate, row, i)));
        image.at(x + i, row) = {glow(3 * *cell), glow(3 * *cell - 1), glow(3 * *cell - 2)};
      }
    }
  }
  return seen;
}

/// Cools the plate twice on all ranks. Then rank 0 cools it by itself and compares.
void compare(pdc::Program& program, const pdc::Lane& lane, const Area& plate) {
  const int steps = program.integer("steps"), cells = plate.bottom * plate.right;
  Tile apart(MPI_COMM_WORLD, plate), joined(MPI_COMM_WORLD, plate);
  apart.above = apart.below = apart.before = apart.behind = nobody;  // Wrong on purpose
  program.scene("without the halo", cool, apart, steps, lane);
  program.scene("with the halo", cool, joined, steps, lane);
  Tile serial(MPI_COMM_SELF, joined.rank == 0 ? plate : Area{0, 1, 0, 1});
  cool(serial, steps, lane);
  const double both = std::cos(std::numbers::pi / (plate.bottom + 1)) +
                      std::cos(std::numbers::pi / (plate.right + 1));
  const double height = std::pow(1 - 2 * flow * (2 - both), steps);  // of the wave, in closed form
  pdc::Image image(2 * plate.right, plate.bottom);
  const int wrong = judge(apart, serial, height, image, 0).first;
  const auto [different, off] = judge(joined, serial, height, image, plate.right);
  if (joined.rank != 0) return;
  pdc::check((wrong > 0) == (joined.ranks > 1), "without the halo, every seam goes wrong",
             "{} of {} cells in {} tiles", wrong, cells, joined.ranks);
  pdc::check(different == 0, "with it, each cell is that of the serial plate, to the last bit",
             "{} of {}", cells - different, cells);
  pdc::check(off <= 1e-15 * (steps + 10), "each cell is as warm as the closed form says",
             "off by {:.0e}", off);
  if (!program.word("image").empty()) image.write(program.word("image"));
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
  compare(program, mpi.lane(), plate);
  return program.finish();
}
