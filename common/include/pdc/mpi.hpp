// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <string>

#include "pdc/timeline.hpp"

/// RAII over MPI. The calls themselves, with buffer, count, type, tag and communicator, stand in
/// the pages.
///
/// Linking pdc::mpi also records: wrappers in MPI's profiling interface (PMPI) put the pages' calls
/// into the timeline of rank 0's picture, clocks aligned, with no line in the page. A send has a bar,
/// or the call that begins it; so has a receive, or its completion if it was only begun; a Wait
/// (-all, -any, -some) or Probe; and a collective call. tests/common/mpi_test.cpp holds what the
/// bars say. All other calls are silent: mpi_calls fails if a page calls what common/src/mpi/calls.cpp
/// does not wrap and tests/mpi_calls/silent.toml does not list, with the reason why not.
///
/// The wrappers also keep accounts: what is not settled when Program::finish() is called is a failed
/// claim that names the calls (a request under way; a communicator, type, operation, group, window,
/// file, error handler or persistent request that is not freed; an access to a window that no epoch
/// ends; a shared window without MPI_Win_sync or a fence; a message that nobody received; collective
/// calls that differ between ranks). With PDC_MPI_SYNCHRONOUS=1 in the environment every standard
/// send waits for its receive.
///
/// Errors: an MPI call that fails ends all ranks with status 3 and MPI's own text; so does MPI_Init
/// when the mpirun of another MPI has started several processes, each of which is alone.
namespace pdc::mpi {

/// MPI from MPI_Init to MPI_Finalize. Made first thing in main, before pdc::Program; one a process.
/// A page whose threads call MPI calls MPI_Init_thread before it, and this only ends MPI then.
/// Thread safety: with MPI_THREAD_MULTIPLE, threads may call MPI at once; none does at the end of a
/// scene, in audit() and in Program::finish().
class Session {
 public:
  Session(int& argc, char**& argv);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  int rank() const noexcept { return rank_; }  // in MPI_COMM_WORLD
  int size() const noexcept { return size_; }

  /// This rank's row of the picture, the one that the MPI calls are recorded in.
  const Lane& lane() const noexcept;

  /// Ends all ranks with status 2 and one line when there are fewer. Collective. Requires: after
  /// pdc::Program.
  void need_ranks(int least) const;

 private:
  int rank_ = 0;
  int size_ = 1;
};

/// Where several threads of a rank call MPI at once: as long as it lives, the calls of this thread
/// stand in that row of the picture, and not in the rank's. Requires: the lane lives longer.
class CallsIn {
 public:
  explicit CallsIn(const Lane& lane);
  ~CallsIn();
  CallsIn(const CallsIn&) = delete;
  CallsIn& operator=(const CallsIn&) = delete;

 private:
  const Lane* before_;
};

/// Prints every rank's line, in rank order, through rank 0. Collective over MPI_COMM_WORLD; not in
/// the picture.
void say_by_rank(const std::string& line);

/// What the accounts say now: the calls that are not settled, joined by "; ", or nothing. What is
/// settled later is not told again; that ranks called different collectives is told once, since
/// nothing settles that. On rank 0; elsewhere an empty text. Collective over MPI_COMM_WORLD; not in
/// the picture.
std::string audit();

}  // namespace pdc::mpi
