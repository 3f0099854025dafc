// Leader election: the highest number gets round the ring, and its rank becomes the leader.
//
// Concept   Ranks in a ring know only the next one, and have to agree on a leader. Each sends its
//           number; a rank passes on a number that is higher than its own, and drops a lower one. A
//           number that comes home has met no higher one: its rank leads, and tells the others.
// Shows     MPI_Isend, MPI_Send, MPI_Recv, MPI_ANY_TAG, MPI_Wait, MPI_Allgather, MPI_Allreduce
// Python    mpi4py comm.Isend, comm.Recv with MPI.ANY_TAG, Status.Get_tag
// Run       mpirun -np 4 leader_election
// You see   by the first number heard 4 leaders; passed on, one, after 14 messages or 11
// Next      ring passes one token; reduce finds the highest number where all ranks are known

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <set>
#include <thread>
#include <vector>

namespace {

constexpr int candidate_tag = 1, leader_tag = 2;

struct Message {
  int number, tag;
};

/// A rank in the ring, which knows the number of no other. No two have the same.
struct Member {
  const pdc::mpi::Session& mpi;
  int number;
  int previous = (mpi.rank() + mpi.size() - 1) % mpi.size();
  int next = (mpi.rank() + 1) % mpi.size();
  int sent = 0;

  /// Only begins to send: if all waited here for the next rank to receive, none would.
  MPI_Request stand() {
    MPI_Request request = MPI_REQUEST_NULL;
    MPI_Isend(&number, 1, MPI_INT, next, candidate_tag, MPI_COMM_WORLD, &request);
    ++sent;
    return request;
  }
  void pass_on(Message message) {
    MPI_Send(&message.number, 1, MPI_INT, next, message.tag, MPI_COMM_WORLD);
    ++sent;
  }
  Message hear() const {
    int heard = 0;
    MPI_Status status;
    MPI_Recv(&heard, 1, MPI_INT, previous, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
    const auto work = mpi.lane().work("{} hears {}", number, heard);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays it
    return {heard, status.MPI_TAG};
  }
};

/// Wrong on purpose: the number of the rank before is not all there is in the ring.
int take_first(Member& me) {
  MPI_Request standing = me.stand();
  const int leader = me.hear().number;
  MPI_Wait(&standing, MPI_STATUS_IGNORE);
  return leader;
}

/// Returns the leader's number. Each MPI_Send may wait for its receive: the rank with the highest
/// number passes on no other number and goes on receiving, so they never wait in a circle.
int elect(Member& me) {
  MPI_Request standing = me.stand();
  Message heard = me.hear();
  while (heard.tag != leader_tag) {
    if (heard.number > me.number) me.pass_on(heard);
    if (heard.number == me.number) me.pass_on({me.number, leader_tag});  // it is home again
    heard = me.hear();
  }
  if (heard.number != me.number) me.pass_on(heard);
  MPI_Wait(&standing, MPI_STATUS_IGNORE);
  return heard.number;
}

struct Outcome {
  std::set<int> leaders;  // whom any rank takes for the leader, by number
  int messages = 0;
};

Outcome hold(const pdc::mpi::Session& mpi, int number, int (*election)(Member&)) {
  Member me{mpi, number};
  const int leader = election(me);
  pdc::mpi::say_by_rank(fmt::format("rank {} has number {}: sends {} messages, leader {}",
                                    mpi.rank(), number, me.sent, leader));
  std::vector<int> leaders(mpi.size());
  MPI_Allgather(&leader, 1, MPI_INT, leaders.data(), 1, MPI_INT, MPI_COMM_WORLD);
  Outcome outcome{{leaders.begin(), leaders.end()}};
  MPI_Allreduce(&me.sent, &outcome.messages, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  if (mpi.rank() == 0 && outcome.leaders.size() > 1) pdc::fault("several leaders");
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);
  const int ranks = mpi.size(), highest = ranks;
  const int falling = highest - mpi.rank();  // each number meets lower ones, up to the highest
  const int rising = mpi.rank() + 1;  // each number but the highest meets a higher one at once

  const Outcome first = program.scene("the first number heard", hold, mpi, falling, take_first);
  const Outcome worst = program.scene("passed on, falling order", hold, mpi, falling, elect);
  const Outcome best = program.scene("passed on, rising order", hold, mpi, rising, elect);

  pdc::check(std::ssize(first.leaders) == ranks,
             "if each rank takes the first number it hears, each has a different leader",
             "{} leaders", first.leaders.size());
  pdc::check(worst.leaders.size() == 1 && best.leaders.size() == 1,
             "if higher numbers are passed on, all ranks have the same leader");
  pdc::check(worst.leaders.contains(highest) && best.leaders.contains(highest),
             "the leader has the highest number");
  pdc::check(worst.messages == ranks * (ranks + 1) / 2 + ranks,
             "in falling order, p ranks send p * (p + 1) / 2 + p messages", "{} messages",
             worst.messages);
  pdc::check(best.messages == 3 * ranks - 1, "in rising order, p ranks send 3 * p - 1 messages",
             "{} messages", best.messages);
  return program.finish();
}
