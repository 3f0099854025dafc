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

#include <chrono>
#include <cstdint>
#include <thread>

namespace {

constexpr int row_tag = 7;

using Row = std::uint64_t;  // digits 1 to 9, read as a number; 0 is the empty row

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

class Joining {
 public:
  Joining() { MPI_Op_create(join_all, 0, &operation); }  // 0: it does not commute
  Joining(const Joining&) = delete;
  Joining& operator=(const Joining&) = delete;
  ~Joining() { MPI_Op_free(&operation); }
  MPI_Op operation = MPI_OP_NULL;
};

/// Digits 1, 2, ... 9, 1, 2, ... from place `first` to before `last`, behind those that are there.
Row append(Row row, int first, int last) {
  for (int i = first; i < last; ++i) row = 10 * row + static_cast<Row>(i % 9 + 1);
  return row;
}

/// Where the digits of a rank begin, and those of the rank before end.
int first_of(int rank, const pdc::mpi::Session& mpi, int digits) {
  return digits * rank / mpi.size();
}

Row make(const pdc::mpi::Session& mpi, int digits) {
  const int rank = mpi.rank();
  const Row row = append(0, first_of(rank, mpi, digits), first_of(rank + 1, mpi, digits));
  const auto work = mpi.lane().work("makes {}", row);
  std::this_thread::sleep_for(std::chrono::milliseconds(3) * (mpi.size() - rank));  // plays it
  return row;
}

/// Wrong on purpose: the root joins the rows as they come.
Row join_as_they_come(const pdc::mpi::Session& mpi, int digits) {
  const Row mine = make(mpi, digits);
  Row joined = 0;
  if (mpi.rank() == 0) {
    for (int from = mpi.size() - 1; from > 0; --from) {  // forced: the last first
      Row theirs = 0;
      MPI_Recv(&theirs, 1, MPI_UINT64_T, from, row_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
      joined = join(joined, theirs);
    }
  } else {
    MPI_Send(&mine, 1, MPI_UINT64_T, 0, row_tag, MPI_COMM_WORLD);
  }
  return join(joined, mine);
}

struct Reduced {
  Row whole, up_to_me;
  int length;
};

Reduced reduce(const pdc::mpi::Session& mpi, int digits) {
  const Row mine = make(mpi, digits);
  const int length = first_of(mpi.rank() + 1, mpi, digits) - first_of(mpi.rank(), mpi, digits);
  const Joining join_rows;
  Reduced all{};
  MPI_Reduce(&mine, &all.whole, 1, MPI_UINT64_T, join_rows.operation, 0, MPI_COMM_WORLD);
  MPI_Allreduce(&length, &all.length, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  MPI_Scan(&mine, &all.up_to_me, 1, MPI_UINT64_T, join_rows.operation, MPI_COMM_WORLD);
  pdc::mpi::say_by_rank(fmt::format("rank {} has {}, with those before it {}, of {} digits in all",
                                    mpi.rank(), mine, all.up_to_me, all.length));
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"digits", 9, "digits, dealt to the ranks", {1, 18}}});
  const int digits = program.integer("digits");
  Row backwards = 0;
  for (int rank = mpi.size() - 1; rank >= 0; --rank)
    backwards = append(backwards, first_of(rank, mpi, digits), first_of(rank + 1, mpi, digits));

  const Row as_they_come = program.scene("as they come", join_as_they_come, mpi, digits);
  const Reduced all = program.scene("in the order of the ranks", reduce, mpi, digits);

  if (mpi.rank() == 0) {
    pdc::check(as_they_come == backwards, "joined as they come, they stand last rank first", "{}",
               as_they_come);
    pdc::check(all.whole == append(0, 0, digits), "MPI_Reduce joins them in the order of the ranks",
               "{}", all.whole);
  }
  pdc::check(all.length == digits, "MPI_Allreduce adds up for every rank", "{} digits", all.length);
  pdc::check(all.up_to_me == append(0, 0, first_of(mpi.rank() + 1, mpi, digits)),
             "MPI_Scan joins up to each rank", "{} on rank {}", all.up_to_me, mpi.rank());
  return program.finish();
}
