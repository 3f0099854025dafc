// Ring: a token goes from rank to rank, each adds one, until it is home again.
//
// Concept   Ranks share no memory: what one knows, another learns by a message. A receive waits
//           until the message is there, so the token is also a turn: only its holder works.
// Shows     MPI_Send, MPI_Recv, tag, communicator
// Python    mpi4py comm.send, comm.recv
// Run       mpirun -np 4 ring --laps 2
// You see   one rank works at a time, all others wait; the token comes home with the rank count
// Next      deadlock_avoidance lets all send first; topology knows more than two neighbours

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <thread>

namespace {

constexpr int token_tag = 7;

void play_work(const pdc::Lane& lane) {
  const auto work = lane.work("adds one");
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the work
}

/// Returns the token on rank 0, once it has been round that many times.
int go_round(const pdc::mpi::Session& mpi, int laps) {
  const int rank = mpi.rank();
  const int size = mpi.size();
  const int next = (rank + 1) % size;
  const int previous = (rank + size - 1) % size;
  int token = 0;
  for (int lap = 0; lap < laps; ++lap) {
    if (rank != 0) {
      MPI_Recv(&token, 1, MPI_INT, previous, token_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
    play_work(mpi.lane());
    ++token;
    MPI_Send(&token, 1, MPI_INT, next, token_tag, MPI_COMM_WORLD);
    if (rank == 0) {  // if all received first, nobody would ever send
      MPI_Recv(&token, 1, MPI_INT, previous, token_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    }
  }
  return token;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"laps", 2, "times round the ring", {1, 1000}}});
  mpi.need_ranks(2);
  const int laps = program.integer("laps");

  const int token = program.scene("round the ring", go_round, mpi, laps);

  if (mpi.rank() == 0) {
    pdc::check(token == laps * mpi.size(),
               "the token came home with one from each rank for each lap",
               "{} from {} ranks in {} laps", token, mpi.size(), laps);
  }
  return program.finish();
}
