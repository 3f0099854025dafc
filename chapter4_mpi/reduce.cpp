// Reduce: one value of each rank becomes one of all, by an operation that may be your own.
//
// Concept   A reduction combines what the ranks hold: MPI_Reduce for the root, MPI_Allreduce for
//           all, MPI_Scan for each rank with those before it. An operation of one's own has to be
//           associative; where it does not commute, say so, and the order of the ranks is kept.
// Shows     MPI_Reduce, MPI_Allreduce, MPI_Scan, MPI_Op_create, MPI_Op_free
// Python    mpi4py comm.reduce, comm.allreduce, comm.scan, MPI.Op.Create
// Run       mpirun -np 4 reduce --digits 9
// You see   joined as they come, the digits stand in the wrong order; reduced, in that of the ranks
// Next      gather brings the parts themselves; monte_carlo_pi reduces what all ranks count

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <thread>

namespace {

constexpr int root = 0;
constexpr int row_tag = 7;
constexpr int turn_tag = 8;

using Row = std::uint64_t;        // digits 1 to 9, read as a number; 0 is the empty row
using Rows = std::array<Row, 2>;  // of one rank; the second is three digits ahead

/// 12 and 345 make 12345, but 345 and 12 make 34512: it is associative and does not commute.
Row join(Row left, Row right) {
  Row scale = 1;
  while (scale <= right) scale *= 10;
  return left * scale + right;
}

/// The form that MPI asks for: many at a time; what the lower ranks hold is on the left.
void join_all(void* left, void* right, int* count, MPI_Datatype*) {
  Row* result = static_cast<Row*>(right);
  for (int i = 0; i < *count; ++i) result[i] = join(static_cast<const Row*>(left)[i], result[i]);
}

struct Reduced {
  Rows on_root, on_all, up_to_me;
};

/// Both rows at once: the first with the first rows of the other ranks, the second with theirs.
Reduced reduce(const Rows& mine) {
  MPI_Op op = MPI_OP_NULL;
  MPI_Op_create(join_all, 0, &op);  // 0: it does not commute
  Reduced got{};
  MPI_Reduce(mine.data(), got.on_root.data(), 2, MPI_UINT64_T, op, root, MPI_COMM_WORLD);
  MPI_Allreduce(mine.data(), got.on_all.data(), 2, MPI_UINT64_T, op, MPI_COMM_WORLD);
  MPI_Scan(mine.data(), got.up_to_me.data(), 2, MPI_UINT64_T, op, MPI_COMM_WORLD);
  MPI_Op_free(&op);
  return got;
}

/// Behind the digits that are there come 1, 2, ... 9, 1, 2, ... from place `first` to before `last`.
Row append(Row row, int first, int last) {
  for (int i = first; i < last; ++i) row = 10 * row + static_cast<Row>(i % 9 + 1);
  return row;
}

Rows rows_between(int first, int last) {
  return {append(0, first, last), append(0, first + 3, last + 3)};
}

/// Where the digits of a rank begin, and those of the rank before end.
int first_of(int rank, int ranks, int digits) {
  return static_cast<int>(std::int64_t{digits} * rank / ranks);
}

Rows make(const pdc::mpi::Session& mpi, int digits) {
  const Rows rows = rows_between(first_of(mpi.rank(), mpi.size(), digits),
                                 first_of(mpi.rank() + 1, mpi.size(), digits));
  const auto work = mpi.lane().work("makes {}", rows[0]);
  std::this_thread::sleep_for(std::chrono::milliseconds(3) * (mpi.size() - mpi.rank()));  // plays
  return rows;
}

/// Forced in both acts: the last rank has its turn first, then the one before it, the root last.
void take_turn(const pdc::mpi::Session& mpi) {
  if (mpi.rank() + 1 < mpi.size()) {
    MPI_Recv(nullptr, 0, MPI_CHAR, mpi.rank() + 1, turn_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  }
}
void pass_turn(const pdc::mpi::Session& mpi) {
  if (mpi.rank() > 0) MPI_Send(nullptr, 0, MPI_CHAR, mpi.rank() - 1, turn_tag, MPI_COMM_WORLD);
}

/// Wrong on purpose: the root joins the first rows as they come, its own as the last.
Row join_as_they_come(const pdc::mpi::Session& mpi, int digits) {
  const Row mine = make(mpi, digits)[0];
  if (mpi.rank() != root) {
    take_turn(mpi);
    MPI_Ssend(&mine, 1, MPI_UINT64_T, root, row_tag, MPI_COMM_WORLD);  // ends when it is received
    pass_turn(mpi);
    return 0;
  }
  Row joined = 0;
  for (int others = 1; others < mpi.size(); ++others) {
    Row theirs = 0;
    MPI_Recv(&theirs, 1, MPI_UINT64_T, MPI_ANY_SOURCE, row_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    joined = join(joined, theirs);
  }
  take_turn(mpi);
  if (mpi.size() > 1) pdc::fault("last digits first");
  return join(joined, mine);
}

Reduced reduce_in_order(const pdc::mpi::Session& mpi, int digits) {
  const Rows mine = make(mpi, digits);
  take_turn(mpi);
  pass_turn(mpi);
  const Reduced got = reduce(mine);
  pdc::mpi::say_by_rank(fmt::format("rank {} has {}, with those before it {}, with all {}",
                                    mpi.rank(), mine[0], got.up_to_me[0], got.on_all[0]));
  return got;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"digits", 9, "digits, dealt to the ranks", {1, 18}}});
  const int digits = program.integer("digits");

  const Row came = program.scene("as they come", join_as_they_come, mpi, digits);
  const Reduced got = program.scene("in the order of the ranks", reduce_in_order, mpi, digits);

  const Rows whole = rows_between(0, digits);
  const auto first = [&](int rank) { return first_of(rank, mpi.size(), digits); };
  if (mpi.rank() == root) {
    Row last_first = 0;
    for (int rank = mpi.size() - 1; rank >= 0; --rank) {
      last_first = append(last_first, first(rank), first(rank + 1));
    }
    pdc::check(came == last_first, "joined as they come, the digits of the last rank stand first",
               "{}", came);
    pdc::check(got.on_root == whole, "MPI_Reduce joins both rows in the order of the ranks",
               "{} and {}", got.on_root[0], got.on_root[1]);
  }
  pdc::check(got.on_all == whole, "MPI_Allreduce gives the same rows to every rank",
             "{} and {} on rank {}", got.on_all[0], got.on_all[1], mpi.rank());
  pdc::check(got.up_to_me == rows_between(0, first(mpi.rank() + 1)),
             "MPI_Scan gives each rank the rows of all up to it", "{} and {} on rank {}",
             got.up_to_me[0], got.up_to_me[1], mpi.rank());
  return program.finish();
}
