// Matrix multiply: blocks go round a grid of ranks, and each rank multiplies the two that meet.
//
// Concept   A rank owns one block of the product, C(i, j), the sum of all A(i, k) * B(k, j). In
//           Cannon's algorithm A moves along the rows and B along the columns by one rank per step,
//           so a rank holds two at a time. Those of one k meet only if both are skewed first.
// Shows     MPI_Cart_create, MPI_Cart_coords, MPI_Cart_shift, MPI_Sendrecv_replace, MPI_Reduce
// Python    mpi4py comm.Create_cart, grid.Shift, grid.Sendrecv_replace
// Run       mpirun -np 4 matrix_multiply --rows 2
// You see   without the skew only the diagonal is right: 2 of 4 blocks; with it all are
// Next      topology makes the grid; heat moves the edges of its blocks, and not the blocks

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace {

using Block = std::vector<std::int64_t>;  // row by row

constexpr int root = 0, tag = 5;

/// The largest square of ranks, with edges that meet; those left over have no communicator.
struct Grid {
  explicit Grid(const pdc::mpi::Session& mpi) {
    while ((side + 1) * (side + 1) <= mpi.size()) ++side;
    const std::array size{side, side}, wraps{1, 1};
    MPI_Cart_create(MPI_COMM_WORLD, 2, size.data(), wraps.data(), 0, &comm);
    if (comm != MPI_COMM_NULL) MPI_Cart_coords(comm, mpi.rank(), 2, at.data());
  }
  Grid(const Grid&) = delete;
  Grid& operator=(const Grid&) = delete;
  ~Grid() {
    if (comm != MPI_COMM_NULL) MPI_Comm_free(&comm);
  }
  int side = 1;
  std::array<int, 2> at{};  // row and column
  MPI_Comm comm = MPI_COMM_NULL;
};

/// Sends the block up (0) or to the left (1), and has the one that comes in its place.
int shift(Block& block, const Grid& grid, int dimension, int by) {
  if (by == 0) return 0;  // blocks sent
  int from = 0, to = 0;
  MPI_Cart_shift(grid.comm, dimension, -by, &from, &to);
  MPI_Sendrecv_replace(block.data(), static_cast<int>(block.size()), MPI_INT64_T, to, tag, from,
                       tag, grid.comm, MPI_STATUS_IGNORE);
  return 1;
}

int shift_both(Block& a, Block& b, const Grid& grid, int left, int up) {
  const int sent = shift(a, grid, 1, left);
  return sent + shift(b, grid, 0, up);
}

/// Wrong on purpose: A(i, j) meets B(i, j), and only on the diagonal that is one k.
int leave_in_place(Block&, Block&, const Grid&) {
  return 0;
}

/// Row i of A moves by i ranks, column j of B by j ranks: A(i, i + j) meets B(i + j, j).
int skew(Block& a, Block& b, const Grid& grid) {
  return shift_both(a, b, grid, grid.at[0], grid.at[1]);
}

void add_product(Block& c, const Block& a, const Block& b, int rows) {
  for (int i = 0; i < rows; ++i) {
    for (int k = 0; k < rows; ++k)  // in this order, all are read row by row
      for (int j = 0; j < rows; ++j) c[i * rows + j] += a[i * rows + k] * b[k * rows + j];
  }
}

/// A matrix of `size` rows: 0, 1, 2 ... row by row.
std::int64_t number(std::int64_t size, std::int64_t row, std::int64_t column) {
  return row * size + column;
}
/// Its square: the sum of number(row, k) * number(k, column) for all k, in closed form.
std::int64_t square(std::int64_t size, std::int64_t row, std::int64_t column) {
  const std::int64_t sum = size * (size - 1) / 2, squares = sum * (2 * size - 1) / 3;
  return (row * size * size + column) * sum + size * (squares + row * size * column);
}

Block block_of(decltype(number) numbers, const Grid& grid, int rows) {
  Block block;
  const auto [row, column] = grid.at;
  for (int i = 0; i < rows * rows; ++i)
    block.push_back(numbers(grid.side * rows, row * rows + i / rows, column * rows + i % rows));
  return block;
}

/// Where it stands in the matrix, by its first number.
std::string place_of(const Block& block, const Grid& grid, int rows) {
  const std::int64_t size = grid.side * rows;
  return fmt::format("{},{}", block[0] / size / rows, block[0] % size / rows);
}

struct Outcome {
  int right = 0, sent = 0;  // blocks of all ranks, on the root
  int side = 0;             // of the grid
};

using Align = int(Block& a, Block& b, const Grid& grid);

Outcome multiply(const pdc::mpi::Session& mpi, int rows, Align& align) {
  const Grid grid(mpi);
  if (grid.comm == MPI_COMM_NULL) return {};
  Block a = block_of(number, grid, rows), b = a, c(a.size());  // the matrix times itself
  Outcome mine{0, align(a, b, grid), grid.side}, all = mine;
  for (int step = 0; step < grid.side; ++step) {
    if (step > 0) mine.sent += shift_both(a, b, grid, 1, 1);
    const auto work = mpi.lane().work("A{} B{}", place_of(a, grid, rows), place_of(b, grid, rows));
    add_product(c, a, b, rows);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays larger blocks
  }
  mine.right = c == block_of(square, grid, rows) ? 1 : 0;
  if (mine.right == 0) pdc::fault("wrong block");
  MPI_Reduce(&mine, &all, 2, MPI_INT, MPI_SUM, root, grid.comm);  // the first two members
  pdc::say("{} of {} ranks in the grid, {} blocks right, {} sent", grid.side * grid.side,
           mpi.size(), all.right, all.sent);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"rows", 2, "rows of a block", {1, 100}}});
  mpi.need_ranks(4);  // for a grid of two rows
  const int rows = program.integer("rows");

  const Outcome still = program.scene("in place", multiply, mpi, rows, leave_in_place);
  const Outcome skewed = program.scene("skewed", multiply, mpi, rows, skew);

  if (mpi.rank() == root) {
    const int q = skewed.side, p = q * q;
    pdc::check(still.right == q, "without the skew, only the blocks on the diagonal are right",
               "{} of {}", still.right, p);
    pdc::check(skewed.right == p, "with the skew, every block of the product is right", "{} of {}",
               skewed.right, p);
    pdc::check(skewed.sent == 2 * q * (p - 1), "p ranks in q rows send 2 * q * (p - 1) blocks",
               "{} blocks", skewed.sent);
  }
  return program.finish();
}
