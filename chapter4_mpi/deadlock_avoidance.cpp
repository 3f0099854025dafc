// Deadlock avoidance: all ranks send first, and each waits for one that waits itself.
//
// Concept   A synchronous send waits until its message is being received. If all send before they
//           receive, each waits for the next and the last for the first: a cycle, and nobody goes
//           on. MPI_Send is free to do the same; small messages often get away by chance.
// Shows     MPI_Issend, MPI_Test, MPI_Ssend, MPI_Sendrecv, MPI_Irecv, MPI_Waitall
// Python    mpi4py comm.ssend, comm.sendrecv, comm.irecv
// Run       mpirun -np 4 deadlock_avoidance
// You see   who waits for whom, as a cycle of all ranks; then three cures that finish
// Next      ring gives the turn to one at a time; nonblocking computes while messages travel

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <functional>
#include <thread>
#include <vector>

namespace {

constexpr int root = 0;
constexpr int tag = 4;

/// Each rank sends to the next what it has made, and gets what the previous one has.
struct Place {
  int me, next, previous;
  const pdc::Lane& lane;
};

constexpr int made_by(int rank) {
  return 100 + rank;
}

int make(const Place& place) {
  const auto work = place.lane.work("makes {}", made_by(place.me));
  std::this_thread::sleep_for(std::chrono::milliseconds(2 + place.me % 3));  // plays the work
  return made_by(place.me);
}

int receive(const Place& place) {
  int got = 0;
  MPI_Recv(&got, 1, MPI_INT, place.previous, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return got;
}

/// The even ranks send first, the odd ones receive first: each send meets a receive.
int in_turns(const Place& place) {
  const int mine = make(place);
  int got = 0;
  if (place.me % 2 == 0) {
    MPI_Ssend(&mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD);
    got = receive(place);
  } else {
    got = receive(place);
    MPI_Ssend(&mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD);
  }
  return got;
}

/// Both in one call, and MPI sees to the order.
int send_and_receive(const Place& place) {
  const int mine = make(place);
  int got = 0;
  MPI_Sendrecv(&mine, 1, MPI_INT, place.next, tag, &got, 1, MPI_INT, place.previous, tag,
               MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  return got;
}

/// Both are begun, neither is waited for before the other has begun.
int begin_both(const Place& place) {
  const int mine = make(place);
  int got = 0;
  std::array<MPI_Request, 2> both{};
  MPI_Irecv(&got, 1, MPI_INT, place.previous, tag, MPI_COMM_WORLD, &both[0]);
  MPI_Issend(&mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD, &both[1]);
  MPI_Waitall(2, both.data(), MPI_STATUSES_IGNORE);
  return got;
}

/// Every rank learns of every rank whom it waits for, if anybody.
pdc::WaitForGraph look_round(int waits_for, int ranks) {
  std::vector<int> whom(ranks);
  MPI_Allgather(&waits_for, 1, MPI_INT, whom.data(), 1, MPI_INT, MPI_COMM_WORLD);
  pdc::WaitForGraph graph;
  for (int rank = 0; rank < ranks; ++rank) {
    if (whom[rank] == MPI_PROC_NULL) continue;
    graph.add(fmt::format("rank {}", rank), "the other end", fmt::format("rank {}", whom[rank]));
  }
  return graph;
}

/// Wrong on purpose: every rank sends first. MPI_Ssend is MPI_Issend and MPI_Wait; here all ranks
/// look round in between, or no rank could tell. Then the root alone receives first.
int send_first(const Place& place, int ranks, pdc::WaitForGraph& graph) {
  const int mine = make(place);
  MPI_Request sending = MPI_REQUEST_NULL;
  MPI_Issend(&mine, 1, MPI_INT, place.next, tag, MPI_COMM_WORLD, &sending);
  {
    const auto message = place.lane.hold("sends to {}", place.next);
    int done = 0;
    MPI_Test(&sending, &done, MPI_STATUS_IGNORE);
    graph = look_round(done != 0 ? MPI_PROC_NULL : place.next, ranks);  // no rank receives before
  }
  int got = 0;
  if (place.me == root) {
    pdc::fault("deadlock");
    got = receive(place);  // this breaks the cycle
  }
  MPI_Wait(&sending, MPI_STATUS_IGNORE);
  if (place.me != root) got = receive(place);
  return got;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);

  const int ranks = mpi.size(), me = mpi.rank();
  const Place place{me, (me + 1) % ranks, (me + ranks - 1) % ranks, mpi.lane()};

  pdc::WaitForGraph graph;
  const int broken = program.scene("all send first", send_first, place, ranks, std::ref(graph));
  graph.draw("who waits for whom");
  const int turns = program.scene("in turns", in_turns, place);
  const int together = program.scene("in one call", send_and_receive, place);
  const int begun = program.scene("both begun, then waited for", begin_both, place);

  const int expected = made_by(place.previous);
  const int cycle = static_cast<int>(graph.cycle().size());
  pdc::check(cycle == ranks, "if all ranks send first, they wait for each other in a cycle",
             "{} of {} ranks", cycle, ranks);
  pdc::check(broken == expected, "if one rank then receives, every message arrives");
  pdc::check(turns == expected, "in turns, every rank gets what the one before it made");
  pdc::check(together == expected,
             "with MPI_Sendrecv, every rank gets what the one before it made");
  pdc::check(
      begun == expected,
      "with both begun before either is waited for, every rank gets what the one before it made");
  return program.finish();
}
