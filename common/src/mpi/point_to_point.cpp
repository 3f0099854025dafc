// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <string_view>

#include "recorder.hpp"

/// Wrappers in MPI's profiling interface: the linker takes these for the program's MPI_ calls; each
/// records a span, tells the ledger, and calls its PMPI_ twin. Here the frame (MPI_Init to
/// MPI_Finalize) and the messages that block.
using pdc::Kind;
using pdc::mpi::detail::Call;
using pdc::mpi::detail::synchronous;

namespace pdc::mpi::detail {

bool asked_to_be_synchronous() {
  const char* value = std::getenv("PDC_MPI_SYNCHRONOUS");
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace pdc::mpi::detail

extern "C" {

int MPI_Init(int* argc, char*** argv) {
  pdc::mpi::detail::end_with_mpirun();
  const int result = PMPI_Init(argc, argv);
  pdc::mpi::detail::begin_recording();
  return result;
}

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  pdc::mpi::detail::end_with_mpirun();
  const int result = PMPI_Init_thread(argc, argv, required, provided);
  pdc::mpi::detail::begin_recording();
  return result;
}

int MPI_Finalize() {
  pdc::mpi::detail::end_recording();
  return PMPI_Finalize();
}

int MPI_Send(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  Call call(Kind::send, "Send");
  call.sends(comm, to, tag);
  return (synchronous() ? PMPI_Ssend : PMPI_Send)(data, count, type, to, tag, comm);
}

int MPI_Ssend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  Call call(Kind::send, "Ssend");
  call.sends(comm, to, tag);
  return PMPI_Ssend(data, count, type, to, tag, comm);
}

int MPI_Recv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status* status) {
  Call call(Kind::receive, "Recv");
  call.receives(from);
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  const int result = PMPI_Recv(data, count, type, from, tag, comm, seen);
  call.received(comm, *seen);
  return result;
}

int MPI_Sendrecv(const void* out, int out_count, MPI_Datatype out_type, int to, int out_tag,
                 void* in, int in_count, MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm,
                 MPI_Status* status) {
  Call(Kind::send, "Sendrecv").sends(comm, to, out_tag);
  Call call(Kind::receive, "Sendrecv");
  call.receives(from);
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  MPI_Request sending = MPI_REQUEST_NULL;
  const auto send = synchronous() ? PMPI_Issend : PMPI_Isend;
  send(out, out_count, out_type, to, out_tag, comm, &sending);
  const int result = PMPI_Recv(in, in_count, in_type, from, in_tag, comm, seen);
  PMPI_Wait(&sending, MPI_STATUS_IGNORE);
  call.received(comm, *seen);
  return result;
}

int MPI_Probe(int from, int tag, MPI_Comm comm, MPI_Status* status) {
  Call call(Kind::wait, "Probe");
  call.receives(from);
  return PMPI_Probe(from, tag, comm, status);
}

int MPI_Mprobe(int from, int tag, MPI_Comm comm, MPI_Message* message, MPI_Status* status) {
  Call call(Kind::receive, "Mprobe");
  call.receives(from);
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  const int result = PMPI_Mprobe(from, tag, comm, message, seen);
  call.received(comm, *seen);  // here, and not in MPI_Mrecv, which does not know the communicator
  return result;
}

}  // extern "C"
