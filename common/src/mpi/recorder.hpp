#pragma once

#include <mpi.h>

#include <cstdint>

#include "arena.hpp"

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

/// One call as a span of this rank's lane; costs a test of a flag while nothing is recorded.
class Call {
 public:
  Call(Kind kind, const char* name);

  void sends(MPI_Comm comm, int destination, int tag);
  void receives(int source);  // before the call: whom it waits for
  void received(MPI_Comm comm, const MPI_Status& status);
  void received(MPI_Comm comm, const MPI_Status& status, std::int64_t posted);
  void collective(MPI_Comm comm, pdc::detail::Collective kind, int root = MPI_PROC_NULL);

 private:
  bool recorded() const noexcept { return span_.record() != pdc::detail::none; }

  const char* name_;
  Span span_;
};

/// Nanoseconds to add to this rank's clock to get rank 0's. Collective; 0 on rank 0.
std::int64_t clock_offset();

}  // namespace pdc::mpi::detail
