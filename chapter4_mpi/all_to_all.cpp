// All to all: a matrix is transposed, for which every rank has something for every other.
//
// Concept   Each rank has some rows and wants some columns, so it needs a piece from everyone.
//           MPI_Alltoall exchanges pieces of one size, here how large the others will be. With
//           MPI_Alltoallv each piece has a size of its own.
// Shows     MPI_Alltoall, MPI_Alltoallv, MPI_Allgatherv
// Python    mpi4py comm.Alltoall, comm.Alltoallv
// Run       mpirun -np 4 all_to_all --rows 7 --columns 5
// You see   if all get all, the matrix comes four times; with MPI_Alltoallv once, to each a part
// Next      gather brings all parts to one rank; topology exchanges with neighbours only

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;

/// Rows or columns, dealt to the ranks: from first(rank) to before first(rank + 1).
struct Deal {
  int first(int rank) const { return total * rank / ranks; }
  int count(int rank) const { return first(rank + 1) - first(rank); }
  int total, ranks;
};

/// How many elements each rank has, if its rows are so long.
Numbers counts_of(Deal rows, int length) {
  Numbers counts;
  for (int rank = 0; rank < rows.ranks; ++rank) counts.push_back(rows.count(rank) * length);
  return counts;
}

/// Where they begin, one rank's behind the other's.
Numbers places_of(const Numbers& counts) {
  Numbers places(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), places.begin(), 0);
  return places;
}

/// The matrix is 0, 1, 2, ... row by row; these are the rows of one rank.
Numbers make_rows(int rank, Deal rows, Deal columns) {
  Numbers mine(static_cast<std::size_t>(rows.count(rank) * columns.total));
  std::iota(mine.begin(), mine.end(), rows.first(rank) * columns.total);
  return mine;
}

struct Got {
  Numbers columns;
  int received;  // elements, for that
};

/// From rows of that length the columns from first on, one after the other.
Got turn(const Numbers& rows, int length, int first, int count, const pdc::mpi::Session& mpi) {
  Got got{{}, static_cast<int>(rows.size())};
  const auto work = mpi.lane().work("turns its part of {}", rows.size());
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the turning
  for (int column = first; column < first + count; ++column)
    for (auto row = rows.begin(); row != rows.end(); row += length)
      got.columns.push_back(row[column]);
  pdc::mpi::say_by_rank(fmt::format("rank {} wants {} elements, and received {}", mpi.rank(),
                                    got.columns.size(), got.received));
  return got;
}

/// Wrong on purpose: all get the whole matrix, and keep their columns of it.
Got gather_all(const pdc::mpi::Session& mpi, Deal rows, Deal columns) {
  const Numbers mine = make_rows(mpi.rank(), rows, columns);
  const Numbers counts = counts_of(rows, columns.total);
  Numbers in(static_cast<std::size_t>(rows.total * columns.total));
  MPI_Allgatherv(mine.data(), static_cast<int>(mine.size()), MPI_INT, in.data(), counts.data(),
                 places_of(counts).data(), MPI_INT, MPI_COMM_WORLD);
  return turn(in, columns.total, columns.first(mpi.rank()), columns.count(mpi.rank()), mpi);
}

Got exchange(const pdc::mpi::Session& mpi, Deal rows, Deal columns) {
  const Numbers mine = make_rows(mpi.rank(), rows, columns);
  Numbers out;
  for (int to = 0; to < mpi.size(); ++to)  // for each a piece: its columns of my rows
    for (auto row = mine.begin(); row != mine.end(); row += columns.total)
      out.insert(out.end(), row + columns.first(to), row + columns.first(to + 1));
  const Numbers out_counts = counts_of(columns, rows.count(mpi.rank()));
  Numbers in_counts(out_counts.size());
  MPI_Alltoall(out_counts.data(), 1, MPI_INT, in_counts.data(), 1, MPI_INT, MPI_COMM_WORLD);
  Numbers in(static_cast<std::size_t>(std::reduce(in_counts.begin(), in_counts.end())));
  MPI_Alltoallv(out.data(), out_counts.data(), places_of(out_counts).data(), MPI_INT, in.data(),
                in_counts.data(), places_of(in_counts).data(), MPI_INT, MPI_COMM_WORLD);
  return turn(in, columns.count(mpi.rank()), 0, columns.count(mpi.rank()), mpi);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv,
                       {{"rows", 7, "rows of the matrix", {1, 1000}},
                        {"columns", 5, "columns of the matrix", {1, 1000}}});
  const Deal rows{program.integer("rows"), mpi.size()};
  const Deal columns{program.integer("columns"), mpi.size()};
  const int rank = mpi.rank();
  Numbers serial;  // this rank's columns
  for (int column = columns.first(rank); column < columns.first(rank + 1); ++column)
    for (int row = 0; row < rows.total; ++row) serial.push_back(row * columns.total + column);

  const Got all = program.scene("everything to everyone", gather_all, mpi, rows, columns);
  const Got pieces = program.scene("to each what it wants", exchange, mpi, rows, columns);

  pdc::check(all.columns == serial && pieces.columns == serial,
             "either way the columns are those of the serial transpose", "{} elements on rank {}",
             serial.size(), rank);
  pdc::check(all.received == rows.total * columns.total,
             "if all get all, each gets the whole matrix", "{} on rank {}", all.received, rank);
  pdc::check(pieces.received == rows.total * columns.count(rank),
             "with MPI_Alltoallv each gets its part", "{} on rank {}", pieces.received, rank);
  return program.finish();
}
