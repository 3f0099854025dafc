#include <unordered_map>
#include <vector>

#include "recorder.hpp"

/// Wrappers in MPI's profiling interface: the linker takes these for the program's MPI_ calls; each
/// records a span and calls its PMPI_ twin. Here the frame (MPI_Init to MPI_Finalize) and the
/// messages.
using pdc::Kind;
using pdc::mpi::detail::Call;

namespace {

/// Receives that are under way: whom they are from is known only when they are waited for.
struct Posted {
  MPI_Comm comm;
  std::int64_t time;
};
std::unordered_map<MPI_Request, Posted> receives_under_way;

/// A completed request as a short bar of its own, if it was a receive.
void completed(MPI_Request request, const MPI_Status& status) {
  const auto found = receives_under_way.find(request);
  if (found == receives_under_way.end()) return;
  Call call(Kind::receive, "Irecv");
  call.received(found->second.comm, status, found->second.time);
  receives_under_way.erase(found);
}

template <class Send>
int send(const char* name, Send* pmpi, const void* data, int count, MPI_Datatype type, int to,
         int tag, MPI_Comm comm) {
  Call call(Kind::send, name);
  call.sends(comm, to, tag);
  return pmpi(data, count, type, to, tag, comm);
}

template <class Send>
int start_send(const char* name, Send* pmpi, const void* data, int count, MPI_Datatype type, int to,
               int tag, MPI_Comm comm, MPI_Request* request) {
  Call call(Kind::send, name);
  call.sends(comm, to, tag);
  return pmpi(data, count, type, to, tag, comm, request);
}

}  // namespace

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
  return send("Send", PMPI_Send, data, count, type, to, tag, comm);
}

int MPI_Ssend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm) {
  return send("Ssend", PMPI_Ssend, data, count, type, to, tag, comm);
}

int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  return start_send("Isend", PMPI_Isend, data, count, type, to, tag, comm, request);
}

int MPI_Issend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return start_send("Issend", PMPI_Issend, data, count, type, to, tag, comm, request);
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

int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const std::int64_t now = pdc::detail::now_ns();
  const int result = PMPI_Irecv(data, count, type, from, tag, comm, request);
  receives_under_way[*request] = {comm, now};
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
  const int result = PMPI_Sendrecv(out, out_count, out_type, to, out_tag, in, in_count, in_type,
                                   from, in_tag, comm, seen);
  call.received(comm, *seen);
  return result;
}

int MPI_Probe(int from, int tag, MPI_Comm comm, MPI_Status* status) {
  Call call(Kind::wait, "Probe");
  call.receives(from);
  return PMPI_Probe(from, tag, comm, status);
}

int MPI_Wait(MPI_Request* request, MPI_Status* status) {
  const Call call(Kind::wait, "Wait");
  const MPI_Request waited = *request;
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  const int result = PMPI_Wait(request, seen);
  completed(waited, *seen);
  return result;
}

int MPI_Waitall(int count, MPI_Request requests[], MPI_Status statuses[]) {
  const Call call(Kind::wait, "Waitall");
  const std::vector<MPI_Request> waited(requests, requests + count);
  std::vector<MPI_Status> own(static_cast<std::size_t>(count));
  MPI_Status* seen = statuses == MPI_STATUSES_IGNORE ? own.data() : statuses;
  const int result = PMPI_Waitall(count, requests, seen);
  for (int i = 0; i < count; ++i) completed(waited[static_cast<std::size_t>(i)], seen[i]);
  return result;
}

int MPI_Waitany(int count, MPI_Request requests[], int* index, MPI_Status* status) {
  const Call call(Kind::wait, "Waitany");
  const std::vector<MPI_Request> waited(requests, requests + count);
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  const int result = PMPI_Waitany(count, requests, index, seen);
  if (*index != MPI_UNDEFINED) completed(waited[static_cast<std::size_t>(*index)], *seen);
  return result;
}

int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
  const MPI_Request tested = *request;
  MPI_Status own;
  MPI_Status* seen = status == MPI_STATUS_IGNORE ? &own : status;
  const int result = PMPI_Test(request, done, seen);
  if (*done != 0) completed(tested, *seen);
  return result;
}

}  // extern "C"
