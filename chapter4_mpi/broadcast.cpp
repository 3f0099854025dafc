// Broadcast: what the root knows, all get to know, by a loop, by a tree, by one call.
//
// Concept   In a loop the root sends to one after the other, a round for each. In a tree each rank
//           that knows passes it on: a round may double them. MPI_Bcast is one call that all make.
// Shows     MPI_Bcast, MPI_Send, MPI_Recv, MPI_ANY_TAG
// Python    mpi4py comm.bcast
// Run       mpirun -np 8 broadcast --line 5
// You see   to tell 7 others takes 7 rounds in a loop and 3 in a tree, with 7 messages in each
// Next      scatter gives each rank a part of its own; reduce goes the other way

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <bit>
#include <chrono>
#include <thread>

namespace {

using std::chrono::milliseconds;

constexpr int root = 0;
constexpr int news = 100;  // what the root knows

/// What a rank knows: at first only the root has the news.
struct Knowledge {
  explicit Knowledge(const pdc::mpi::Session& mpi) : value(mpi.rank() == root ? news : 0) {}
  int value;
  int arrived = 0;  // in which round; the root has it before the first
  int sent = 0;     // how often since then, once a round
};

Knowledge broadcast(const pdc::mpi::Session& mpi, milliseconds) {
  Knowledge mine(mpi);
  MPI_Bcast(&mine.value, 1, MPI_INT, root, MPI_COMM_WORLD);  // the root gives, the others get
  return mine;
}

void send(Knowledge& mine, int to, milliseconds line, const pdc::Lane& lane) {
  mine.sent += 1;
  const int round = mine.arrived + mine.sent;
  const auto busy = lane.send("round {}", round);
  std::this_thread::sleep_for(line);  // plays a slow line
  MPI_Send(&mine.value, 1, MPI_INT, to, round, MPI_COMM_WORLD);
}

void receive(Knowledge& mine, int from) {
  MPI_Status status;
  MPI_Recv(&mine.value, 1, MPI_INT, from, MPI_ANY_TAG, MPI_COMM_WORLD, &status);
  mine.arrived = status.MPI_TAG;  // the tag tells the round
}

Knowledge tell_in_a_loop(const pdc::mpi::Session& mpi, milliseconds line) {
  Knowledge mine(mpi);
  if (mpi.rank() == root) {
    for (int to = 1; to < mpi.size(); ++to) send(mine, to, line, mpi.lane());
  } else {
    receive(mine, root);
  }
  return mine;
}

Knowledge tell_down_a_tree(const pdc::mpi::Session& mpi, milliseconds line) {
  Knowledge mine(mpi);
  const int rank = mpi.rank();
  for (int know = 1; know < mpi.size(); know *= 2) {  // so many know it before this round
    if (rank < know && rank + know < mpi.size()) send(mine, rank + know, line, mpi.lane());
    if (rank >= know && rank < 2 * know) receive(mine, rank - know);
  }
  return mine;
}

/// Of all ranks, known to the root.
struct Tally {
  explicit Tally(const Knowledge& mine) {
    const int knows = mine.value == news ? 1 : 0;
    MPI_Reduce(&knows, &informed, 1, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
    MPI_Reduce(&mine.sent, &messages, 1, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
    MPI_Reduce(&mine.sent, &busiest, 1, MPI_INT, MPI_MAX, root, MPI_COMM_WORLD);
    MPI_Reduce(&mine.arrived, &rounds, 1, MPI_INT, MPI_MAX, root, MPI_COMM_WORLD);
  }
  int informed = 0, messages = 0, busiest = 0, rounds = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"line", 5, "ms that a message takes to send", {0, 50}}});
  const milliseconds line(program.integer("line"));

  const Tally loop(program.scene("by a loop", tell_in_a_loop, mpi, line));
  const Tally tree(program.scene("by a tree", tell_down_a_tree, mpi, line));
  const Tally call(program.scene("by MPI_Bcast", broadcast, mpi, line));

  if (mpi.rank() == root) {
    const int size = mpi.size();
    const int others = size - 1;
    const int doublings = std::bit_width(static_cast<unsigned>(others));  // log2(size), rounded up
    pdc::check(loop.informed == size, "told in a loop, every rank knows what the root knew",
               "{} of {}", loop.informed, size);
    pdc::check(tree.informed == size, "told down a tree, every rank knows what the root knew",
               "{} of {}", tree.informed, size);
    pdc::check(call.informed == size, "after MPI_Bcast, every rank knows what the root knew",
               "{} of {}", call.informed, size);
    pdc::check(loop.messages == others && tree.messages == others,
               "in the loop and in the tree, each of the others takes one message",
               "{} and {} for {}", loop.messages, tree.messages, others);
    pdc::check(loop.busiest == others && loop.rounds == others,
               "in a loop the root sends to all, a round each", "{} sends, {} rounds", loop.busiest,
               loop.rounds);
    pdc::check(tree.busiest == doublings && tree.rounds == doublings,
               "in a tree the root sends once a round, and there are no more rounds than doublings",
               "{} sends, {} rounds", tree.busiest, tree.rounds);
  }
  return program.finish();
}
