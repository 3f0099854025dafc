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

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<int>;

constexpr int root = 0;
constexpr int nothing = -1;  // stands where no element came

/// Rows or columns of the matrix, dealt to the ranks: from first(rank) to before first(rank + 1).
struct Deal {
  int first(int rank) const { return static_cast<int>(std::int64_t{total} * rank / ranks); }
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

/// Sends each rank a piece of its own, and gets one from each, in the order of the ranks.
Numbers trade_pieces(const Numbers& out, const Numbers& out_counts) {
  Numbers in_counts(out_counts.size());
  MPI_Alltoall(out_counts.data(), 1, MPI_INT, in_counts.data(), 1, MPI_INT, MPI_COMM_WORLD);
  Numbers in(std::reduce(in_counts.begin(), in_counts.end()), nothing);
  MPI_Alltoallv(out.data(), out_counts.data(), places_of(out_counts).data(), MPI_INT,  //
                in.data(), in_counts.data(), places_of(in_counts).data(), MPI_INT, MPI_COMM_WORLD);
  return in;
}

/// What a rank has received, and the columns that it wants of it, one after the other.
struct Got {
  Got(const Numbers& in, int length, int first, int last)
      : received(std::ssize(in) - std::ranges::count(in, nothing)) {
    for (int column = first; column < last; ++column) {
      for (auto row = in.begin(); row != in.end(); row += length) columns.push_back(row[column]);
    }
  }
  std::int64_t received;
  Numbers columns;
};

/// Wasteful: all get the whole matrix, and keep their columns of it.
Got gather_all(const Numbers& mine, Deal rows, Deal columns, int rank) {
  const Numbers counts = counts_of(rows, columns.total);
  Numbers in(rows.total * columns.total, nothing);
  MPI_Allgatherv(mine.data(), counts[rank], MPI_INT,  //
                 in.data(), counts.data(), places_of(counts).data(), MPI_INT, MPI_COMM_WORLD);
  return {in, columns.total, columns.first(rank), columns.first(rank + 1)};
}

/// Of the rows of every rank, each gets its columns.
Got exchange_pieces(const Numbers& mine, Deal rows, Deal columns, int rank) {
  Numbers out;
  for (int to = 0; to < columns.ranks; ++to) {  // for each a piece: its columns of my rows
    for (auto row = mine.begin(); row != mine.end(); row += columns.total) {
      out.insert(out.end(), row + columns.first(to), row + columns.first(to + 1));
    }
  }
  const Numbers in = trade_pieces(out, counts_of(columns, rows.count(rank)));
  return {in, columns.count(rank), 0, columns.count(rank)};
}

using Get = Got(const Numbers& mine, Deal rows, Deal columns, int rank);

/// The matrix is 0, 1, 2, ... row by row, and each rank has its rows of it.
Got transpose(const pdc::mpi::Session& mpi, Get& get, Deal rows, Deal columns) {
  const int rank = mpi.rank();
  Numbers mine(rows.count(rank) * columns.total);
  std::iota(mine.begin(), mine.end(), rows.first(rank) * columns.total);
  const Got got = get(mine, rows, columns, rank);
  pdc::mpi::say_by_rank(fmt::format("rank {} wants {} elements, and received {}", rank,
                                    columns.count(rank) * rows.total, got.received));
  const auto work = mpi.lane().work("reads {}", got.received);
  const auto time = std::chrono::microseconds(3000) * got.received / (rows.total * columns.total);
  std::this_thread::sleep_for(time);  // plays it
  return got;
}

Numbers collect_on_root(const Numbers& mine, Deal columns, int length, int rank) {
  const Numbers counts = counts_of(columns, length);
  Numbers all(columns.total * length, nothing);
  MPI_Gatherv(mine.data(), counts[rank], MPI_INT,  //
              all.data(), counts.data(), places_of(counts).data(), MPI_INT, root, MPI_COMM_WORLD);
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv,
                       {{"rows", 7, "rows", {1, 1000}}, {"columns", 5, "columns", {1, 1000}}});
  const Deal rows{program.integer("rows"), mpi.size()};
  const Deal columns{program.integer("columns"), mpi.size()};

  const Got all =
      program.scene("everything to everyone", transpose, mpi, gather_all, rows, columns);
  const Got own =
      program.scene("to each what it wants", transpose, mpi, exchange_pieces, rows, columns);
  const Numbers of_all = collect_on_root(all.columns, columns, rows.total, mpi.rank());
  const Numbers of_own = collect_on_root(own.columns, columns, rows.total, mpi.rank());

  if (mpi.rank() == root) {
    Numbers serial;
    for (int column = 0; column < columns.total; ++column) {
      for (int row = 0; row < rows.total; ++row) serial.push_back(row * columns.total + column);
    }
    pdc::check(of_all == serial, "if every rank gathers all, their columns are the serial ones",
               "{} elements", serial.size());
    pdc::check(of_own == serial, "exchanged in pieces, their columns are the serial ones",
               "{} elements", serial.size());
  }
  pdc::check(all.received == std::int64_t{rows.total} * columns.total,
             "if every rank gathers all, each receives the whole matrix", "{} on rank {}",
             all.received, mpi.rank());
  pdc::check(own.received == std::int64_t{columns.count(mpi.rank())} * rows.total,
             "with MPI_Alltoallv, each rank receives only what it wants", "{} on rank {}",
             own.received, mpi.rank());
  return program.finish();
}
