// Derived types: pieces that lie apart go in one message, and the program copies none.
//
// Concept   A derived type says where its pieces lie. Its size is how many bytes are sent of it,
//           its extent the step to the next one. That of a column cut out of a matrix is the whole
//           matrix, so the next column would begin behind it: MPI_Type_create_resized sets it.
// Shows     MPI_Type_create_subarray, MPI_Type_create_struct, MPI_Type_create_resized,
//           MPI_Type_commit, MPI_Type_size, MPI_Type_get_extent, MPI_Type_free
// Python    mpi4py MPI.INT.Create_subarray, Datatype.Create_struct, Datatype.Create_resized
// Run       mpirun -np 4 derived_types
// You see   as it lies, only rank 0 gets a column of the matrix; resized, each rank gets its own
// Next      communicators keeps messages apart; heat sends a column to the left and to the right

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <cstddef>
#include <numeric>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int rows = 3;  // of a matrix that has a column for each rank
constexpr int outside = -1;

/// A committed type, freed at the end of its scope.
class Type {
 public:
  // a type that only serves resize() need not be committed
  explicit Type(MPI_Datatype made) : type_(made) { MPI_Type_commit(&type_); }
  Type(const Type&) = delete;
  Type& operator=(const Type&) = delete;
  ~Type() { MPI_Type_free(&type_); }

  MPI_Datatype get() const { return type_; }

 private:
  MPI_Datatype type_;
};

/// All rows of a matrix, and one column of them.
Type first_column(int columns) {
  const std::array<int, 2> whole{rows, columns}, part{rows, 1}, start{0, 0};
  MPI_Datatype made = MPI_DATATYPE_NULL;
  MPI_Type_create_subarray(2, whole.data(), part.data(), start.data(), MPI_ORDER_C, MPI_INT, &made);
  return Type(made);
}

/// The same pieces; the next one begins so many bytes after the start of this one.
Type resize(const Type& type, MPI_Aint extent) {
  MPI_Datatype made = MPI_DATATYPE_NULL;
  MPI_Type_create_resized(type.get(), 0, extent, &made);
  return Type(made);
}

using Numbers = std::array<int, rows>;

/// Its numbers, and what MPI says of its type.
struct Column {
  Numbers numbers{};
  int size = 0;
  MPI_Aint start = 0, extent = 0;
};

/// The root's matrix has the numbers 0, 1, 2 ..., row by row; behind it is room to step too far.
Column deal_out(const pdc::mpi::Session& mpi, const Type& column) {
  std::vector<int> matrix(rows * mpi.size());
  std::iota(matrix.begin(), matrix.end(), 0);
  matrix.resize(matrix.size() * mpi.size(), outside);
  Column got;
  MPI_Scatter(matrix.data(), 1, column.get(), got.numbers.data(), rows, MPI_INT, root,
              MPI_COMM_WORLD);
  MPI_Type_size(column.get(), &got.size);
  MPI_Type_get_extent(column.get(), &got.start, &got.extent);
  if (got.numbers[0] == outside) pdc::fault("from behind the matrix");
  pdc::mpi::say_by_rank(fmt::format("rank {}: {}", mpi.rank(), pdc::join(got.numbers)));
  return got;
}

/// Wrong on purpose: the step to the next rank's column is the whole matrix.
Column deal_out_as_it_lies(const pdc::mpi::Session& mpi) {
  return deal_out(mpi, first_column(mpi.size()));
}

Column deal_out_resized(const pdc::mpi::Session& mpi) {
  return deal_out(mpi, resize(first_column(mpi.size()), sizeof(int)));
}

struct Reading {
  char unit;
  double value;
  int drawer;  // where a rank keeps it, which is its own affair
  bool operator==(const Reading&) const = default;
};
using Readings = std::array<Reading, 2>;

/// Two members. Between them is a gap, and behind them is the member that is not sent.
Type unit_and_value() {
  const std::array<int, 2> counts{1, 1};
  const std::array<MPI_Aint, 2> places{offsetof(Reading, unit), offsetof(Reading, value)};
  const std::array<MPI_Datatype, 2> types{MPI_CHAR, MPI_DOUBLE};
  MPI_Datatype made = MPI_DATATYPE_NULL;
  MPI_Type_create_struct(2, counts.data(), places.data(), types.data(), &made);
  return resize(Type(made), sizeof(Reading));
}

Readings readings_in(int drawer) {
  return {{{'C', 20.5, drawer}, {'P', 1000.5, drawer}}};
}

/// All get what the root has read, and each keeps it in a drawer of its own.
Readings broadcast(const pdc::mpi::Session& mpi) {
  const int me = mpi.rank();
  const Type reading = unit_and_value();
  Readings readings{{{'?', 0, me}, {'?', 0, me}}};
  if (me == root) readings = readings_in(me);
  MPI_Bcast(readings.data(), 2, reading.get(), root, MPI_COMM_WORLD);
  return readings;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  const int ranks = mpi.size(), me = mpi.rank();
  const int number = sizeof(int), column = rows * number;

  const Column lying = program.scene("as it lies", deal_out_as_it_lies, mpi);
  const Column resized = program.scene("resized", deal_out_resized, mpi);
  const Readings readings = program.scene("members of a struct", broadcast, mpi);

  const Numbers right{me, ranks + me, 2 * ranks + me}, nothing{outside, outside, outside};
  pdc::check(lying.numbers == (me == root ? right : nothing),
             "with the column as it lies, all ranks but the first get what is behind the matrix");
  pdc::check(resized.numbers == right, "with the column resized, each rank gets its own");
  pdc::check(lying.size == column && lying.extent == column * ranks,
             "a column has the size of its numbers, and the extent of the matrix",
             "{} and {} bytes", lying.size, lying.extent);
  pdc::check(resized.size == column && resized.extent == number,
             "resized, a column has the same size, and the extent of one number", "{} and {} bytes",
             resized.size, resized.extent);
  pdc::check(readings == readings_in(me),
             "of a struct, the members that are sent come, and the one that is not stays");
  return program.finish();
}
