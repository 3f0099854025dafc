// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <cstdint>

#include "ledger.hpp"
#include "picture/arena.hpp"

/// What the PMPI wrappers share. Everything here calls PMPI_, so nothing here is recorded.
namespace pdc::mpi::detail {

/// The lane of this rank, or null before MPI_Init and after MPI_Finalize.
const Lane* lane() noexcept;
/// Which MPI calls of this thread stand in instead, if any: see CallsIn.
inline thread_local const Lane* lane_of_thread = nullptr;
/// Before MPI_Init: a rank whose mpirun (or its daemon) is killed while the rank is in there would
/// wait for ever. Notes what the launcher says, too.
void end_with_mpirun();
void choose_components();  // before MPI_Init, too
/// Before MPI_Init, on a machine without a network: Open MPI speaks with ranks that MPI_Comm_spawn
/// starts by TCP alone, even on the same machine, and leaves out the loopback by itself.
void allow_loopback();
void begin_recording();
/// From here on errors of the window, or of the file, end all ranks as those of a communicator do; so
/// does that of opening the file.
void window_made(MPI_Win window);
void file_opened(MPI_File file, int result);
void end_recording() noexcept;

/// Every standard send waits for its receive, as MPI allows it to: PDC_MPI_SYNCHRONOUS=1 in the
/// environment. A program that needs messages to be buffered hangs then.
bool asked_to_be_synchronous();
inline bool synchronous() {
  static const bool asked = asked_to_be_synchronous();
  return asked;
}

/// All members of `of` have called for it, in one order; `made` is null on some. Its id is its own,
/// so that threads may call collectives of several at once.
void communicator_made(MPI_Comm of, MPI_Comm made);
/// A number that all members of a communicator agree on; 1 for MPI_COMM_WORLD.
std::uint64_t id_of_another(MPI_Comm comm);
inline std::uint64_t communicator_id(MPI_Comm comm) {
  return comm == MPI_COMM_WORLD ? 1 : id_of_another(comm);
}

inline int world_rank = 0;  // this rank in MPI_COMM_WORLD
inline int rank_in(MPI_Comm comm) {
  if (comm == MPI_COMM_WORLD) return world_rank;
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}

/// Of two groups: each rank names those of the other.
inline bool is_intercommunicator(MPI_Comm comm) {
  int of_two = 0;
  if (comm != MPI_COMM_WORLD) PMPI_Comm_test_inter(comm, &of_two);
  return of_two != 0;
}
/// This rank, as a collective call names its root.
inline bool is_root(MPI_Comm comm, int root) {
  return is_intercommunicator(comm) ? root == MPI_ROOT : root == rank_in(comm);
}

/// A span of this rank's lane.
Span open(Kind kind, const char* name);

/// One call as a span of this rank's lane, and in the ledger. While nothing is recorded it costs a
/// test of a flag and a count, in line: a short message is not much longer.
class Call {
 public:
  Call(Kind kind, Name name)
      : name_(name), span_(pdc::detail::is_recording() ? open(kind, name.text) : Span()) {}

  void sends(MPI_Comm comm, int destination, int tag) {
    if (destination == MPI_PROC_NULL) return show_nobody("to");
    sends({communicator_id(comm), rank_in(comm), destination, tag});
  }
  void sends(const Envelope& envelope) {
    if (envelope.destination == MPI_PROC_NULL) return show_nobody("to");
    all_sent.count(envelope, name_.text);
    if (recorded()) show("to", envelope.destination, envelope);
  }
  void sends_nothing(MPI_Comm comm, int destination, int tag);  // after sends(): it has failed
  void receives(int source) {  // before the call: whom it waits for
    if (source == MPI_PROC_NULL) return show_nobody("from");
    if (recorded()) show_source(source);
  }
  void received(MPI_Comm comm, const MPI_Status& status) {
    if (status.MPI_SOURCE < 0) return;
    received({communicator_id(comm), status.MPI_SOURCE, rank_in(comm), status.MPI_TAG});
  }
  void received(const Envelope& envelope) {
    all_received.count(envelope, "");
    if (recorded()) show("from", envelope.source, envelope);
  }
  void posted(std::int64_t time) const;  // of a receive that began earlier
  void collective(MPI_Comm comm, pdc::detail::Collective kind, int root = MPI_PROC_NULL) {
    const std::uint64_t id = communicator_id(comm);
    const bool of_two = is_intercommunicator(comm);  // there, the root is not the same for all
    const std::int64_t number = all_called.count(id, name_, of_two ? MPI_PROC_NULL : root);
    const bool has_root =
        kind == pdc::detail::Collective::root_gives || kind == pdc::detail::Collective::root_takes;
    if (of_two && has_root && root == MPI_PROC_NULL) return;  // neither gives nor takes
    if (!recorded()) return;
    pdc::detail::set_collective(span_, mix(id, number), kind, is_root(comm, root));
  }

 private:
  bool recorded() const noexcept { return span_.record() != pdc::detail::none; }
  void show(const char* direction, int other, const Envelope& envelope);
  void show_source(int source);
  void show_nobody(const char* direction);  // else a send and a receive of one name were a message

  Name name_;
  Span span_;
};

struct ClockOffset {
  std::int64_t ns;     // to add to this rank's clock to get rank 0's; 0 on rank 0
  std::int64_t doubt;  // by how many nanoseconds that may be wrong, at most
};

/// Collective. The clock is an argument for the tests: theirs goes wrong by a known amount.
ClockOffset clock_offset(std::int64_t (*clock)() = pdc::detail::now_ns);

}  // namespace pdc::mpi::detail
