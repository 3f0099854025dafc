// Misuse: mistakes that MPI says nothing about, and an audit that names the call of each.
//
// Concept   A request that nobody completes, a type that nobody frees, a message that nobody
//           receives, ranks whose collective calls differ: all calls return as if all were well.
//           Wrappers note what each call begins or ends; an audit compares the notes of all ranks.
// Shows     MPI_Isend, MPI_Wait, MPI_Type_vector, MPI_Type_free, MPI_Bsend, MPI_Recv, MPI_Reduce,
//           MPI_Barrier, MPI_Comm_create_errhandler
// Python    mpi4py Request.Wait, Datatype.Free, comm.Recv
// Run       mpirun -np 4 misuse
// You see   five mistakes that MPI does not report; the audit names the call of each
// Next      error_handling is about calls that do report what is wrong

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <array>
#include <chrono>
#include <string>
#include <thread>

namespace {

using pdc::mpi::Session;

constexpr int sender = 0, receiver = 1, tag = 1;

void receive(int rank) {
  int number = 0;
  if (rank == receiver)
    MPI_Recv(&number, 1, MPI_INT, sender, tag, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/// Each of these five is done right or wrong, and audited when all should be settled. Only after
/// that does it end what it has left open: so a mistake is over when its function is.
std::string send_number(int rank, bool wrong) {
  MPI_Request sent = MPI_REQUEST_NULL;
  if (rank == sender) MPI_Isend(&rank, 1, MPI_INT, receiver, tag, MPI_COMM_WORLD, &sent);
  receive(rank);
  if (!wrong) MPI_Wait(&sent, MPI_STATUS_IGNORE);
  const std::string found = pdc::mpi::audit();
  if (wrong) MPI_Wait(&sent, MPI_STATUS_IGNORE);
  return found;
}

std::string make_type(int rank, bool wrong) {
  MPI_Datatype column = MPI_DATATYPE_NULL;
  if (rank == sender) MPI_Type_vector(2, 1, 2, MPI_INT, &column);
  if (rank == sender && !wrong) MPI_Type_free(&column);
  const std::string found = pdc::mpi::audit();
  if (rank == sender && wrong) MPI_Type_free(&column);
  return found;
}

/// A buffered send is over at once, whether or not anybody receives.
std::string send_letter(int rank, bool wrong) {
  std::array<char, sizeof rank + MPI_BSEND_OVERHEAD> room{};
  MPI_Buffer_attach(room.data(), int(room.size()));
  if (rank == sender) MPI_Bsend(&rank, 1, MPI_INT, receiver, tag, MPI_COMM_WORLD);
  if (!wrong) receive(rank);
  const std::string found = pdc::mpi::audit();
  if (wrong) receive(rank);
  void* back = nullptr;
  int size = 0;
  MPI_Buffer_detach(&back, &size);
  return found;
}

/// Where ranks differ in their collective calls, the standard promises nothing. With no number to
/// add, Open MPI and MPICH do nothing; with one, ranks may wait for ever, or have a wrong sum.
void add_nothing(int root) {
  int none = 0, sum = 0;
  MPI_Reduce(&none, &sum, 0, MPI_INT, MPI_SUM, root, MPI_COMM_WORLD);
}

std::string name_root(int rank, bool wrong) {
  add_nothing(wrong ? rank : sender);
  return pdc::mpi::audit();
}

std::string call_two(int rank, bool wrong) {
  const bool barrier_first = !wrong || rank == sender;
  if (barrier_first) MPI_Barrier(MPI_COMM_WORLD);
  add_nothing(sender);
  if (!barrier_first) MPI_Barrier(MPI_COMM_WORLD);
  return pdc::mpi::audit();
}

struct Row {
  const char* what;
  std::string (*call)(int rank, bool wrong);
  const char* claim;
  const char* named;  // what the audit says if it is done wrong
};

constexpr std::array rows{
    Row{"request", send_number, "the audit names the call whose request nobody completes",
        "rank 0: Isend never completed"},
    Row{"type", make_type, "the audit names the call that made a type which nobody frees",
        "rank 0: Type_vector made a type that is never freed"},
    Row{"message", send_letter, "the audit names the send of a message that nobody receives",
        "Bsend from 0 to 1 with tag 1 never received"},
    Row{"root", name_root, "the audit names the roots that differ, and two ranks that have them",
        "collective call 1: Reduce with root 0 on rank 0, Reduce with root 1 on rank 1"},
    Row{"order", call_two, "the audit names the first collective call in which ranks differ",
        "collective call 1: Barrier on rank 0, Reduce with root 0 on rank 1"}};

using Found = std::array<std::string, rows.size()>;  // on rank 0; elsewhere empty

/// Wrong on purpose, if it is to be: each lacks its last call, or ranks call what others do not.
Found call_all(const Session& mpi, bool wrong) {
  Found found;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    auto work = mpi.lane().work("{}", rows[i].what);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays what it is for
    work.end();
    found[i] = rows[i].call(mpi.rank(), wrong);
    if (found[i].empty()) continue;
    pdc::fault(rows[i].what);
    pdc::say("{}", found[i]);
  }
  return found;
}

int reported = 0;  // global: MPI hands a handler no data of ours

void report(MPI_Comm*, int*, ...) {
  ++reported;
}

}  // namespace

int main(int argc, char** argv) {
  const Session mpi(argc, argv);
  pdc::Program program(argc, argv);
  mpi.need_ranks(2);
  MPI_Errhandler handler = MPI_ERRHANDLER_NULL;
  MPI_Comm_create_errhandler(report, &handler);  // called by each call that fails
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, handler);
  MPI_Errhandler_free(&handler);  // the communicator keeps it

  const Found wrong = program.scene("wrong", call_all, mpi, true);
  const Found right = program.scene("right", call_all, mpi, false);

  for (std::size_t i = 0; i < rows.size(); ++i)
    pdc::check(wrong[i] == rows[i].named || mpi.rank() != 0, rows[i].claim);
  pdc::check(right == Found{}, "where each is ended, and all call the same, the audit is silent");
  pdc::check(reported == 0, "MPI itself reports no mistake: its error handler is not called");
  return program.finish();
}
