// Nonblocking collectives: a barrier that no rank waits in tells when no message is under way.
//
// Concept   Every rank has messages for a few others, and none knows which ranks will send to it. A
//           rank whose own messages have been received begins a barrier, and goes on receiving. When
//           the barrier completes, all ranks have begun it: all messages have been received.
// Shows     MPI_Issend, MPI_Testall, MPI_Iprobe, MPI_Recv, MPI_Ibarrier, MPI_Test, MPI_Alltoall
// Python    mpi4py comm.Issend, comm.Iprobe, comm.Ibarrier, comm.Alltoall
// Run       mpirun -np 4 nonblocking_collectives
// You see   ranks that stop at an empty queue miss late messages; in the barrier they miss none
// Next      termination_detection finds the end where messages cause messages

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int messages = 2;  // that each rank sends

struct Seen {  // of one rank, then of all
  int received, of_last, counts, under_way, complete_early;
};

/// Each has a tag of its own: a rank that has left one may send in the next, to one that has not.
struct Exchange {
  const pdc::mpi::Session& mpi;
  int tag;
  int rank = mpi.rank(), last = mpi.size() - 1;
  Seen seen{};
  std::array<MPI_Request, messages> sent{};
  std::vector<int> to_each = std::vector<int>(mpi.size());  // how many messages
};

void receive(Exchange& my, int source) {
  int sender = MPI_PROC_NULL;  // what a message says
  MPI_Recv(&sender, 1, MPI_INT, source, my.tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  ++my.seen.received;
  if (sender == my.last) ++my.seen.of_last;
}

void receive_what_is_there(Exchange& my) {
  int is_there = 1;
  while (is_there != 0) {
    MPI_Status status;
    MPI_Iprobe(MPI_ANY_SOURCE, my.tag, MPI_COMM_WORLD, &is_there, &status);
    if (is_there != 0) receive(my, status.MPI_SOURCE);
  }
}

/// NBX. Requires synchronous sends: an MPI_Isend may complete before its message is received.
void receive_until_none_is_under_way(Exchange& my) {
  MPI_Request barrier = MPI_REQUEST_NULL;
  int complete = 0;
  while (complete == 0) {
    receive_what_is_there(my);  // in the barrier as well
    if (barrier != MPI_REQUEST_NULL) {
      MPI_Test(&barrier, &complete, MPI_STATUS_IGNORE);
    } else {
      int mine_received = 0;
      MPI_Testall(messages, my.sent.data(), &mine_received, MPI_STATUSES_IGNORE);
      if (mine_received != 0) MPI_Ibarrier(MPI_COMM_WORLD, &barrier);
    }
    const auto work = my.mpi.lane().work("own work");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays it
  }
}

/// The attack: the last rank sends when all others have looked, and found nothing more.
void send_and_look(Exchange& my) {
  if (my.rank == my.last) MPI_Barrier(MPI_COMM_WORLD);
  for (int i = 0; i < messages; ++i) {  // to others that only this rank knows
    const int other = (my.rank + 1 + (my.rank / 2 + i) % my.last) % (my.last + 1);
    MPI_Issend(&my.rank, 1, MPI_INT, other, my.tag, MPI_COMM_WORLD, &my.sent[i]);
    ++my.to_each[other];
  }
  receive_what_is_there(my);
  if (my.rank != my.last) MPI_Barrier(MPI_COMM_WORLD);  // lets it send
  if (my.rank == my.last)  // the others wait below: none of its messages can have been received
    MPI_Testall(messages, my.sent.data(), &my.seen.complete_early, MPI_STATUSES_IGNORE);
  MPI_Barrier(MPI_COMM_WORLD);
}

/// What still comes was under way.
Seen judge(Exchange& my) {
  Seen mine = my.seen, all{};
  receive_until_none_is_under_way(my);
  mine.under_way = my.seen.received - mine.received;
  if (mine.under_way > 0) pdc::fault("missed");
  MPI_Allreduce(&mine, &all, 5, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  return all;
}

/// Wrong on purpose: an empty queue says nothing of messages that are still to be sent.
Seen stop_at_an_empty_queue(const pdc::mpi::Session& mpi) {
  Exchange my{mpi, 1};
  send_and_look(my);
  return judge(my);
}

Seen begin_a_barrier(const pdc::mpi::Session& mpi) {
  Exchange my{mpi, 2};
  send_and_look(my);
  receive_until_none_is_under_way(my);
  return judge(my);
}

/// Right as well: every rank tells every rank how many messages will come, mostly none.
Seen tell_all_how_many(const pdc::mpi::Session& mpi) {
  Exchange my{mpi, 3};
  send_and_look(my);
  std::vector<int> coming(mpi.size(), -1);
  MPI_Alltoall(my.to_each.data(), 1, MPI_INT, coming.data(), 1, MPI_INT, MPI_COMM_WORLD);
  my.seen.counts = static_cast<int>(std::ranges::count_if(coming, [](int n) { return n >= 0; }));
  const int expected = std::reduce(coming.begin(), coming.end());
  while (my.seen.received < expected) receive(my, MPI_ANY_SOURCE);
  return judge(my);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);  // alone, a rank has nobody to send to

  const Seen early = program.scene("stop at an empty queue", stop_at_an_empty_queue, mpi);
  const Seen barrier = program.scene("begin a barrier", begin_a_barrier, mpi);
  const Seen told = program.scene("tell all how many", tell_all_how_many, mpi);

  const int ranks = mpi.size(), all = ranks * messages;
  pdc::check(early.of_last == 0 && early.under_way >= messages,
             "ranks that stop at an empty queue miss what is sent later",
             "{} of {} messages of the last rank", early.of_last, messages);
  pdc::check(barrier.received == all, "ranks that go on until the barrier is complete miss none",
             "{} of {} messages", barrier.received, all);
  pdc::check(barrier.under_way == 0, "after the barrier no message is under way");
  pdc::check(barrier.complete_early == 0,
             "a synchronous send is not complete before its message is received");
  pdc::check(told.received == all, "ranks that are told how many will come miss none");
  pdc::check(told.counts == ranks * ranks, "to tell all how many takes p * p counts", "{} counts",
             told.counts);
  return program.finish();
}
