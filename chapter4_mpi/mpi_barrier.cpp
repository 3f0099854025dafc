// MPI barrier: no rank goes on to the next phase before all have ended the one before.
//
// Concept   Ranks go at their own pace, and one that is ahead sends what belongs to the next phase
//           while others are still in this one. A barrier lets nobody through before all have come.
//           MPI_Barrier waits; MPI_Ibarrier only begins to, so that a rank sees that it is kept out.
// Shows     MPI_Barrier, MPI_Ibarrier, MPI_Test, MPI_Wait, MPI_Iprobe, MPI_Ssend, MPI_Sendrecv
// Python    mpi4py comm.Barrier, comm.Ibarrier
// Run       mpirun -np 4 mpi_barrier
// You see   without it results of two phases mix, with it none; by hand, 2 rounds for 4 ranks
// Next      master_worker needs none: what it sends says what it belongs to

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0, fast = 1;  // and the last rank is slow
constexpr int result_tag = 1, word_tag = 2, round_tag = 3;

void send_result(int phase) {  // returns when the root takes it
  MPI_Ssend(&phase, 1, MPI_INT, root, result_tag, MPI_COMM_WORLD);
}

/// Takes one result of each other rank, as they come. Returns how many are not of this phase.
int take_results(const pdc::mpi::Session& mpi, int phase) {
  int mixed = 0;
  for (int others = 1; others < mpi.size(); ++others) {
    int of = 0;
    MPI_Recv(&of, 1, MPI_INT, MPI_ANY_SOURCE, result_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    if (of > phase) pdc::fault("phase 2 in phase 1");
    if (of != phase) ++mixed;
  }
  return mixed;
}

void play(const pdc::mpi::Session& mpi, const char* what, int time) {
  const auto work = mpi.lane().work("{}", what);
  std::this_thread::sleep_for(std::chrono::milliseconds(time));  // plays it
}

/// The attack: goes on to phase 2 if it is let through, which is when what it has begun is complete,
/// and only then tells the last rank to end phase 1.
void run_ahead(const pdc::mpi::Session& mpi, MPI_Request (*begin_to_meet)()) {
  send_result(1);
  MPI_Request meeting = begin_to_meet();
  int is_open = 0;
  MPI_Test(&meeting, &is_open, MPI_STATUS_IGNORE);
  if (is_open != 0) send_result(2);
  MPI_Send(nullptr, 0, MPI_CHAR, mpi.size() - 1, word_tag, MPI_COMM_WORLD);
  MPI_Wait(&meeting, MPI_STATUS_IGNORE);
  if (is_open == 0) send_result(2);
}

/// Two phases, in each of which all other ranks send a result to the root. Returns how many results
/// the root takes for those of another phase.
int go_through_phases(const pdc::mpi::Session& mpi, MPI_Request (*begin_to_meet)()) {
  const int rank = mpi.rank(), slow = mpi.size() - 1;
  if (rank == fast) {
    run_ahead(mpi, begin_to_meet);
    return 0;
  }
  if (rank == slow) {
    MPI_Recv(nullptr, 0, MPI_CHAR, fast, word_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    play(mpi, "slow", 2);
  }
  const auto do_phase = [&](int phase) {
    if (rank == root) return take_results(mpi, phase);
    send_result(phase);
    return 0;
  };
  const int mixed = do_phase(1);
  MPI_Request meeting = begin_to_meet();
  MPI_Wait(&meeting, MPI_STATUS_IGNORE);
  return mixed + do_phase(2);
}

/// Wrong on purpose: nobody is waited for. A null request counts as complete.
MPI_Request begin_nothing() {
  return MPI_REQUEST_NULL;
}

/// MPI_Barrier is this and MPI_Wait in one call.
MPI_Request begin_barrier() {
  MPI_Request meeting = MPI_REQUEST_NULL;
  MPI_Ibarrier(MPI_COMM_WORLD, &meeting);
  return meeting;
}

struct Met {
  int has_left = 0, rounds = 0, heard_of = 0;
};

/// A dissemination barrier (Hensgen, Finkel and Manber 1988). In each round a rank hears from twice
/// as far away, and so of twice as many. Empty messages would do: what they say is evidence.
void meet_by_hand(const pdc::mpi::Session& mpi, Met& met) {
  const int ranks = mpi.size(), rank = mpi.rank();
  std::vector<char> heard_of(ranks), theirs(ranks);
  heard_of[rank] = 1;
  for (int step = 1; step < ranks; step *= 2) {
    const int to = (rank + step) % ranks, from = (rank + ranks - step) % ranks;
    MPI_Sendrecv(heard_of.data(), ranks, MPI_CHAR, to, round_tag, theirs.data(), ranks, MPI_CHAR,
                 from, round_tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    for (int i = 0; i < ranks; ++i) heard_of[i] = heard_of[i] | theirs[i];
    ++met.rounds;
  }
  met.heard_of = static_cast<int>(std::ranges::count(heard_of, 1));
}

/// MPI's own, then the one by hand. Its messages are sent by ranks that have left MPI's: if one of
/// them is there before the last rank comes, somebody has left too early.
Met meet_twice(const pdc::mpi::Session& mpi) {
  Met met;
  play(mpi, "comes", 1 + mpi.rank());
  if (mpi.rank() == mpi.size() - 1)
    MPI_Iprobe(MPI_ANY_SOURCE, round_tag, MPI_COMM_WORLD, &met.has_left, MPI_STATUS_IGNORE);
  MPI_Barrier(MPI_COMM_WORLD);
  meet_by_hand(mpi, met);
  return met;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(3);  // one that takes, one that is fast, one that is slow

  const int mixed = program.scene("without", go_through_phases, mpi, begin_nothing);
  const int apart = program.scene("with a barrier", go_through_phases, mpi, begin_barrier);
  const Met met = program.scene("by MPI, and by hand", meet_twice, mpi);

  const int rounds = std::bit_width(static_cast<unsigned>(mpi.size() - 1));
  if (mpi.rank() == root) {
    pdc::check(mixed > 0, "without a barrier, a result of phase 2 is taken for one of phase 1",
               "{} of {} results in the wrong phase", mixed, 2 * (mpi.size() - 1));
    pdc::check(apart == 0, "with a barrier, no result is taken for one of another phase");
  }
  pdc::check(met.has_left == 0, "nobody leaves MPI_Barrier before the last rank comes");
  pdc::check(met.rounds == rounds && met.heard_of == mpi.size(),
             "by hand, each rank hears of all in ceil(log2(p)) rounds", "{} rounds", met.rounds);
  return program.finish();
}
