// Mpi profile: wrappers of one's own for MPI's calls say whom all the other ranks wait for.
//
// Concept   Each MPI call has two names. A tool may define MPI_Recv itself: all callers then call
//           that, and it calls MPI's own by the other name, PMPI_Recv. So it sees the calls of a
//           program that knows nothing of it. Counts of calls are the same on all ranks; the order
//           in which messages come tells which rank is late.
// Shows     MPI_Pcontrol, PMPI_Isend, PMPI_Recv, PMPI_Type_size
// Python    mpi4py MPI.Pcontrol, and mpi4py.profile to load such wrappers
// Run       mpirun -np 4 mpi_profile --steps 3
// You see   switched off they see nothing; switched on, all ranks send as much, and rank 2 is late
// Next      master_worker gives more to those that are early

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

using Counts = std::vector<std::int64_t>;

struct Profile {
  bool is_on = false;
  Counts messages, bytes;      // sent to each rank
  std::vector<int> came_from;  // for each message received, in order
  const pdc::Lane* lane;       // for the picture
};

Profile profile;  // global: MPI hands a wrapper no data of ours

}  // namespace

extern "C" {  // MPI's own names, so the linker takes these for them

/// Does nothing in MPI: it is for a program to switch a tool on and off that has defined it.
int MPI_Pcontrol(const int level, ...) {
  profile.is_on = level > 0;
  return MPI_SUCCESS;
}

int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  if (profile.is_on && to != MPI_PROC_NULL) {
    int size = 0;
    PMPI_Type_size(type, &size);
    ++profile.messages[to];
    profile.bytes[to] += std::int64_t{count} * size;
  }
  return PMPI_Isend(data, count, type, to, tag, comm, request);
}

int MPI_Recv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status* wanted) {
  MPI_Status own;
  MPI_Status* status = wanted == MPI_STATUS_IGNORE ? &own : wanted;
  pdc::Span wait = profile.is_on ? profile.lane->wait("Recv") : pdc::Span();
  const int result = PMPI_Recv(data, count, type, from, tag, comm, status);
  wait.rename("Recv from {}", status->MPI_SOURCE);
  if (profile.is_on) profile.came_from.push_back(status->MPI_SOURCE);
  return result;
}

}  // extern "C"

namespace {

constexpr int stage = 0;  // the exchanges have the tags from 1 on

/// Makes the late rank late for certain. By PMPI_, so the wrappers do not see these messages.
void wait_until_missed_by(int others) {
  for (int i = 0; i < others; ++i)
    PMPI_Recv(nullptr, 0, MPI_BYTE, MPI_ANY_SOURCE, stage, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/// All send a number to all. Returns the sum of those that came. Knows nothing of the wrappers.
int exchange(const pdc::mpi::Session& mpi, int late, int step) {
  const int rank = mpi.rank(), others = mpi.size() - 1;
  auto work = mpi.lane().work("step {}", step);
  std::this_thread::sleep_for(std::chrono::milliseconds(rank == late ? 3 : 1));  // plays it
  if (rank == late) wait_until_missed_by(others);
  work.end();
  std::vector<MPI_Request> sent(others);
  for (int i = 0; i < others; ++i)
    MPI_Isend(&rank, 1, MPI_INT, i < rank ? i : i + 1, step, MPI_COMM_WORLD, &sent[i]);
  int sum = 0, number = 0;
  for (int missing = others; missing > 0; --missing) {
    if (rank != late && missing == 1) PMPI_Send(nullptr, 0, MPI_BYTE, late, stage, MPI_COMM_WORLD);
    MPI_Recv(&number, 1, MPI_INT, MPI_ANY_SOURCE, step, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    sum += number;
  }
  MPI_Waitall(others, sent.data(), MPI_STATUSES_IGNORE);
  return sum;
}

struct Seen {
  int sum;           // the program's result
  Profile profile;   // of this rank
  Counts came_last;  // how often the message of each rank was the last of an exchange, at all ranks
};

/// An exchange brings a message from each of the others, and waits until the last of them is there.
Seen run(const pdc::mpi::Session& mpi, int steps, int late, int level) {
  const int ranks = mpi.size(), others = ranks - 1;
  profile = {false, Counts(ranks), Counts(ranks), {}, &mpi.lane()};
  MPI_Pcontrol(level);
  int sum = 0;
  for (int step = 1; step <= steps; ++step) sum += exchange(mpi, late, step);
  MPI_Pcontrol(0);
  Counts last(ranks);
  for (int came = others; came <= std::ssize(profile.came_from); came += others)
    ++last[profile.came_from[came - 1]];
  PMPI_Allreduce(MPI_IN_PLACE, last.data(), ranks, MPI_INT64_T, MPI_SUM, MPI_COMM_WORLD);
  return {sum, profile, last};
}

/// Wrong on purpose: all others wait for one rank, and nothing says for which.
Seen run_unseen(const pdc::mpi::Session& mpi, int steps, int late) {
  return run(mpi, steps, late, 0);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv, {{"steps", 3, "exchanges", {1, 1000}}});
  const int steps = program.integer("steps"), ranks = mpi.size(), others = ranks - 1;
  mpi.need_ranks(3);  // of two, each waits for the other
  const int late = ranks / 2;

  const Seen off = program.scene("switched off", run_unseen, mpi, steps, late);
  const Seen on = program.scene("switched on", run, mpi, steps, late, 1);

  Counts to_each(ranks, steps);  // messages
  to_each[mpi.rank()] = 0;
  const bool is_right = on.profile.messages == to_each;
  for (std::int64_t& count : to_each) count *= sizeof(int);  // bytes
  pdc::check(off.came_last == Counts(ranks), "switched off, the wrappers name no rank");
  pdc::check(on.sum == off.sum, "the wrappers leave the program's result as it is", "{}", on.sum);
  pdc::check(is_right && on.profile.bytes == to_each,
             "messages and bytes to each rank are those of the closed form");
  pdc::check(std::ssize(on.profile.came_from) == steps * others,
             "counted by call, the late rank is like all others", "{} receives", steps * others);
  pdc::check(on.came_last[late] == steps * others, "the late rank's messages come last",
             "rank {}, {} of {} times", late, on.came_last[late], steps * others);
  return program.finish();
}
