// Communicators: a library on a communicator of its own never takes a message of its caller.
//
// Concept   A receive matches source, tag and communicator. A library cannot know which tags its
//           caller uses, so it takes MPI_Comm_dup of the caller's communicator: the same ranks, and
//           messages apart. MPI_Comm_split makes communicators of fewer ranks: one for each colour.
// Shows     MPI_Comm_dup, MPI_Comm_split, MPI_Comm_free, MPI_Isend, MPI_Recv, MPI_Allreduce
// Python    mpi4py comm.Dup, comm.Split, comm.Free
// Run       mpirun -np 4 communicators
// You see   on one communicator letter and number are mixed up on all ranks, on two on none
// Next      topology makes a communicator that knows who stands beside whom

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <thread>

namespace {

constexpr int columns = 2;
constexpr int tag = 7;        // the program's, and by chance the library's
constexpr int letter = 1000;  // and the number of its sender

/// The same ranks, or some of them, with messages of their own.
class Communicator {
 public:
  explicit Communicator(MPI_Comm of) { MPI_Comm_dup(of, &comm_); }
  Communicator(MPI_Comm of, int colour, int key) { MPI_Comm_split(of, colour, key, &comm_); }
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  ~Communicator() { MPI_Comm_free(&comm_); }

  MPI_Comm get() const { return comm_; }

 private:
  MPI_Comm comm_ = MPI_COMM_NULL;
};

struct Ring {
  int rank, before, next;
};

Ring ring_of(const pdc::mpi::Session& mpi) {
  const int ranks = mpi.size(), rank = mpi.rank();
  return {rank, (rank + ranks - 1) % ranks, (rank + 1) % ranks};
}

/// The library's: tells each rank the number of the one before. The ring stays until it is sent.
MPI_Request send_number(const Ring& ring, MPI_Comm comm) {
  MPI_Request sent = MPI_REQUEST_NULL;
  MPI_Isend(&ring.rank, 1, MPI_INT, ring.next, tag, comm, &sent);
  return sent;
}
int receive_number(const Ring& ring, MPI_Comm comm) {
  int number = 0;
  MPI_Recv(&number, 1, MPI_INT, ring.before, tag, comm, MPI_STATUS_IGNORE);
  return number;
}

struct Heard {
  int number, letter;  // of the rank before
};

/// For the picture alone.
void play(const pdc::mpi::Session& mpi, const char* whose) {
  const auto work = mpi.lane().work("{}", whose);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays it
}

/// Sends a letter, lets the library do its work, and only then receives the letter.
Heard exchange(const pdc::mpi::Session& mpi, MPI_Comm librarys) {
  const Ring ring = ring_of(mpi);
  const int mine = letter + ring.rank;
  Heard heard{};
  std::array<MPI_Request, 2> sent{};
  MPI_Isend(&mine, 1, MPI_INT, ring.next, tag, MPI_COMM_WORLD, &sent[0]);
  play(mpi, "library");
  sent[1] = send_number(ring, librarys);
  heard.number = receive_number(ring, librarys);
  if (heard.number != ring.before) pdc::fault("takes the letter");
  play(mpi, "program");
  MPI_Recv(&heard.letter, 1, MPI_INT, ring.before, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  MPI_Waitall(2, sent.data(), MPI_STATUSES_IGNORE);
  pdc::mpi::say_by_rank(fmt::format("rank {}: the library hears {}, the program {}", ring.rank,
                                    heard.number, heard.letter));
  return heard;
}

/// Wrong on purpose: of two messages from one rank with one tag, the first sent is received first.
Heard share_communicator(const pdc::mpi::Session& mpi) {
  return exchange(mpi, MPI_COMM_WORLD);
}

Heard have_communicator_of_its_own(const pdc::mpi::Session& mpi) {
  const Communicator own(MPI_COMM_WORLD);  // collective, as is its end
  return exchange(mpi, own.get());
}

struct Sums {
  int of_row, of_column, place;  // the place is this rank's in its column
};

/// The ranks stand in rows of two; each row and each column sums the numbers of its ranks.
Sums sum_rows_and_columns(const pdc::mpi::Session& mpi) {
  const int rank = mpi.rank();
  Sums sums{};
  const Communicator row(MPI_COMM_WORLD, rank / columns, rank);
  const Communicator column(MPI_COMM_WORLD, rank % columns, -rank);  // from the bottom up
  MPI_Allreduce(&rank, &sums.of_row, 1, MPI_INT, MPI_SUM, row.get());
  MPI_Allreduce(&rank, &sums.of_column, 1, MPI_INT, MPI_SUM, column.get());
  MPI_Comm_rank(column.get(), &sums.place);
  pdc::mpi::say_by_rank(fmt::format("rank {}: row {}, column {}, place {} in its column", rank,
                                    sums.of_row, sums.of_column, sums.place));
  return sums;
}

Sums sums_by_hand(int ranks, int rank) {
  Sums sums{};
  for (int other = 0; other < ranks; ++other) {
    if (other / columns == rank / columns) sums.of_row += other;
    if (other % columns != rank % columns) continue;
    sums.of_column += other;
    if (other > rank) ++sums.place;
  }
  return sums;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  const int before = ring_of(mpi).before;

  const Heard mixed = program.scene("on one communicator", share_communicator, mpi);
  const Heard apart = program.scene("on its own", have_communicator_of_its_own, mpi);
  const Sums sums = program.scene("rows and columns", sum_rows_and_columns, mpi);

  const Sums right = sums_by_hand(mpi.size(), mpi.rank());
  pdc::check(mixed.number == letter + before && mixed.letter == before,
             "on the same communicator, the library takes the program's letter for its number");
  pdc::check(apart.number == before && apart.letter == letter + before,
             "on a duplicate, the library hears its number, and the program its letter");
  pdc::check(sums.of_row == right.of_row && sums.of_column == right.of_column,
             "split by colour, each row and each column sums the numbers of its own ranks");
  pdc::check(sums.place == right.place, "the key gives the ranks of a column their order");
  return program.finish();
}
