#pragma once

#include <mpi.h>

#include <cstdint>

#include "arena.hpp"
#include "ledger.hpp"

/// What the PMPI wrappers share. Everything here calls PMPI_, so nothing here is recorded.
namespace pdc::mpi::detail {

/// The lane of this rank, or null before MPI_Init and after MPI_Finalize. MPI calls of all threads
/// stand in it.
const Lane* lane() noexcept;
/// Before MPI_Init: a rank whose mpirun (or its daemon) is killed while the rank is in there would
/// wait for ever.
void end_with_mpirun();
void begin_recording();
void end_recording() noexcept;

/// Every standard send waits for its receive, as MPI allows it to: PDC_MPI_SYNCHRONOUS=1 in the
/// environment. A program that needs messages to be buffered hangs then.
bool synchronous();

/// A number that all members of a communicator agree on; 1 for MPI_COMM_WORLD.
std::uint64_t communicator_id(MPI_Comm comm);
int rank_in(MPI_Comm comm);

/// One call as a span of this rank's lane, and in the ledger. While nothing is recorded it costs a
/// test of a flag and a count.
class Call {
 public:
  Call(Kind kind, const char* name);

  void sends(MPI_Comm comm, int destination, int tag);
  void receives(int source);  // before the call: whom it waits for
  void received(MPI_Comm comm, const MPI_Status& status);
  void received(const Envelope& envelope);
  void posted(std::int64_t time) const;  // of a receive that began earlier
  void collective(MPI_Comm comm, pdc::detail::Collective kind, int root = MPI_PROC_NULL);

 private:
  bool recorded() const noexcept { return span_.record() != pdc::detail::none; }

  const char* name_;
  Span span_;
};

/// Nanoseconds to add to this rank's clock to get rank 0's. Collective; 0 on rank 0. The clock is an
/// argument for the tests: theirs goes wrong by a known amount.
std::int64_t clock_offset(std::int64_t (*clock)() = pdc::detail::now_ns);

}  // namespace pdc::mpi::detail
