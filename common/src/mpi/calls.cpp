// SPDX-License-Identifier: MIT
#include <cstdlib>
#include <string_view>
#include <vector>

#include "wrapper.hpp"

/// Every MPI call that the layer sees, in MPI's profiling interface: the linker takes these for the
/// program's MPI_ calls; each records a span, tells the ledger, and calls its PMPI_ twin. First the
/// calls of uniform kinds, which wrapper.hpp describes, a line for each; then those that have no like.
///
/// Here is what the book's pages call, and no more. The test mpi_calls fails when a page calls what is
/// neither here nor known to be silent, and when no page calls what is here. A new page's call is a
/// line or two:
///
///   PDC_WRAP(Ibsend, 7, send)
///   PDC_WRAP(Ibcast, 6, rooted<Collective::loose>)  // no rank waits in a call that only begins
///   PDC_WRAP(File_write, 5, span<Kind::work>)
///   PDC_WRAP(Get_accumulate, 12, access<Kind::receive>)
///
/// Further objects need their kind in ledger.hpp's Object and its row in ledger.cpp:
///
///   PDC_WRAP(Info_create, 1, make<Object::info>)
///   PDC_WRAP(Info_free, 1, free<Object::info>)
namespace pdc::mpi::detail {

using pdc::detail::Collective;

bool asked_to_be_synchronous() {
  const char* value = std::getenv("PDC_MPI_SYNCHRONOUS");
  return value != nullptr && std::string_view(value) == "1";
}

namespace {

template <class Pmpi>
int init(Pmpi pmpi) {
  end_with_mpirun();
  choose_components();
  allow_loopback();
  const int result = pmpi();
  begin_recording();
  return result;
}

/// A message received by a call that blocks; `pmpi` writes its status.
template <class Pmpi>
int receive(Name name, int from, MPI_Comm comm, MPI_Status* wanted, Pmpi pmpi) {
  Call call(Kind::receive, name);
  call.receives(from);
  MPI_Status own;
  MPI_Status* status = wanted == MPI_STATUS_IGNORE ? &own : wanted;
  const int result = pmpi(status);
  call.received(comm, *status);
  return result;
}

/// A message out, and meanwhile what `pmpi` receives.
template <class Pmpi>
int while_sending(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                  Pmpi pmpi) {
  MPI_Request sending = MPI_REQUEST_NULL;
  const auto send = synchronous() ? PMPI_Issend : PMPI_Isend;
  send(data, count, type, to, tag, comm, &sending);
  const int result = pmpi();
  PMPI_Wait(&sending, MPI_STATUS_IGNORE);
  return result;
}

}  // namespace

extern "C" {  // so they are MPI's own, whatever the namespace around them

// Weak: where a page (mpi_profile) defines these itself, the linker takes the page's, and does not
// complain of two. Then they are neither drawn nor in the ledger, nor does PDC_MPI_SYNCHRONOUS hold.
// A page that wraps another call needs its line here, too.
[[gnu::weak]] decltype(PMPI_Isend) MPI_Isend;
[[gnu::weak]] decltype(PMPI_Recv) MPI_Recv;

PDC_WRAP(Send, 6, standard_send<PMPI_Ssend>)
PDC_WRAP(Ssend, 6, send)
PDC_WRAP(Isend, 7, standard_send<PMPI_Issend>)
PDC_WRAP(Issend, 7, send)
PDC_WRAP(Bsend, 6, send)
PDC_WRAP(Rsend, 6, send)
PDC_WRAP(Buffer_detach, 2, span<Kind::wait>)

PDC_WRAP(Barrier, 1, rootless<Collective::all, Kind::wait>)
PDC_WRAP(Ibarrier, 2, rootless<Collective::loose>)
PDC_WRAP(Bcast, 5, rooted<Collective::root_gives>)
PDC_WRAP(Scatter, 8, rooted<Collective::root_gives>)
PDC_WRAP(Scatterv, 9, rooted<Collective::root_gives>)
PDC_WRAP(Gather, 8, rooted<Collective::root_takes>)
PDC_WRAP(Gatherv, 9, rooted<Collective::root_takes>)
PDC_WRAP(Reduce, 7, rooted<Collective::root_takes>)
PDC_WRAP(Allreduce, 6, rootless<Collective::all>)
PDC_WRAP(Allgather, 7, rootless<Collective::all>)
PDC_WRAP(Allgatherv, 8, rootless<Collective::all>)
PDC_WRAP(Alltoall, 7, rootless<Collective::all>)
PDC_WRAP(Alltoallv, 9, rootless<Collective::all>)
PDC_WRAP(Scan, 6, rootless<Collective::loose>)
PDC_WRAP(Exscan, 6, rootless<Collective::loose>)
PDC_WRAP(Neighbor_allgatherv, 8, rootless<Collective::loose>)
PDC_WRAP(Neighbor_alltoall, 7, rootless<Collective::loose>)

PDC_WRAP(Comm_dup, 2, make_communicator)
PDC_WRAP(Comm_split, 4, make_communicator)
PDC_WRAP(Comm_split_type, 5, make_communicator)
PDC_WRAP(Cart_create, 6, make_communicator)
PDC_WRAP(Intercomm_create, 6, make<Object::communicator>)
PDC_WRAP(Intercomm_merge, 3, make_communicator)
PDC_WRAP(Dist_graph_create_adjacent, 10, make_communicator)
PDC_WRAP(Comm_free, 1, free<Object::communicator>)
PDC_WRAP(Comm_disconnect, 1, free<Object::communicator>)
PDC_WRAP(Type_vector, 5, make<Object::type>)
PDC_WRAP(Type_create_resized, 4, make<Object::type>)
PDC_WRAP(Type_create_struct, 5, make<Object::type>)
PDC_WRAP(Type_create_subarray, 7, make<Object::type>)
PDC_WRAP(Type_free, 1, free<Object::type>)
PDC_WRAP(Op_create, 3, make<Object::operation>)
PDC_WRAP(Op_free, 1, free<Object::operation>)
PDC_WRAP(Comm_create_errhandler, 2, make<Object::handler>)
PDC_WRAP(Comm_get_errhandler, 2, make<Object::handler>)
PDC_WRAP(Errhandler_free, 1, free<Object::handler>)

PDC_WRAP(Win_allocate, 6, make_window)
PDC_WRAP(Win_allocate_shared, 6, make_shared_window)
PDC_WRAP(Win_free, 1, free_window)
PDC_WRAP(Win_lock, 4, begin_epoch)
PDC_WRAP(Win_unlock, 2, end_epoch)
PDC_WRAP(Win_lock_all, 2, begin_epoch)
PDC_WRAP(Win_unlock_all, 1, end_epoch)
PDC_WRAP(Win_fence, 2, fence)
PDC_WRAP(Win_sync, 1, sync)
PDC_WRAP(Win_start, 3, begin_epoch)
PDC_WRAP(Win_complete, 1, end_epoch)
PDC_WRAP(Win_post, 3, expose)
PDC_WRAP(Win_wait, 1, end_exposure)
PDC_WRAP(Put, 8, access<Kind::send>)
PDC_WRAP(Get, 8, access<Kind::receive>)
PDC_WRAP(Accumulate, 9, access<Kind::send>)
PDC_WRAP(Fetch_and_op, 7, access<Kind::receive>)
PDC_WRAP(Compare_and_swap, 7, access<Kind::receive>)
PDC_WRAP(File_close, 1, free<Object::file>)
PDC_WRAP(File_set_view, 6, span<Kind::wait>)
PDC_WRAP(File_write_at, 6, span<Kind::work>)
PDC_WRAP(File_write_all, 5, span<Kind::work>)
PDC_WRAP(File_read_at_all, 6, span<Kind::work>)

PDC_WRAP(Comm_group, 2, make<Object::group>)
PDC_WRAP(Group_incl, 4, make<Object::group>)
PDC_WRAP(Group_free, 1, free<Object::group>)

int MPI_Init(int* argc, char*** argv) {
  return init([=] { return PMPI_Init(argc, argv); });
}

int MPI_Init_thread(int* argc, char*** argv, int required, int* provided) {
  return init([=] { return PMPI_Init_thread(argc, argv, required, provided); });
}

int MPI_Finalize() {
  end_recording();
  return PMPI_Finalize();
}

int MPI_File_open(MPI_Comm comm, const char* path, int mode, MPI_Info info, MPI_File* file) {
  const int result = PMPI_File_open(comm, path, mode, info, file);
  file_opened(*file, result);
  object_made(Object::file, number_of(*file), "File_open");
  return result;
}

/// Its handle is not the last argument. Not drawn, as the calls that make the others are not.
int MPI_Comm_spawn(const char* command, char* argv[], int most, MPI_Info info, int root,
                   MPI_Comm comm, MPI_Comm* children, int errors[]) {
  const int result = PMPI_Comm_spawn(command, argv, most, info, root, comm, children, errors);
  object_made(Object::communicator, number_of(*children), "Comm_spawn");
  return result;
}

int MPI_Recv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
             MPI_Status* wanted) {
  return receive("Recv", from, comm, wanted, [=](MPI_Status* status) {
    return PMPI_Recv(data, count, type, from, tag, comm, status);
  });
}

int MPI_Sendrecv(const void* out, int out_count, MPI_Datatype out_type, int to, int out_tag,
                 void* in, int in_count, MPI_Datatype in_type, int from, int in_tag, MPI_Comm comm,
                 MPI_Status* wanted) {
  Call(Kind::send, "Sendrecv").sends(comm, to, out_tag);
  return receive("Sendrecv", from, comm, wanted, [=](MPI_Status* status) {
    return while_sending(out, out_count, out_type, to, out_tag, comm, [=] {
      return PMPI_Recv(in, in_count, in_type, from, in_tag, comm, status);
    });
  });
}

/// What is sent is packed first, since what comes takes its place.
int MPI_Sendrecv_replace(void* data, int count, MPI_Datatype type, int to, int out_tag, int from,
                         int in_tag, MPI_Comm comm, MPI_Status* wanted) {
  Call(Kind::send, "Sendrecv_replace").sends(comm, to, out_tag);
  return receive("Sendrecv_replace", from, comm, wanted, [=](MPI_Status* status) {
    int size = 0, packed = 0;
    PMPI_Pack_size(count, type, comm, &size);
    std::vector<char> out(size);
    PMPI_Pack(data, count, type, out.data(), size, &packed, comm);
    return while_sending(out.data(), packed, MPI_PACKED, to, out_tag, comm,
                         [=] { return PMPI_Recv(data, count, type, from, in_tag, comm, status); });
  });
}

int MPI_Probe(int from, int tag, MPI_Comm comm, MPI_Status* status) {
  Call call(Kind::wait, "Probe");
  call.receives(from);
  return PMPI_Probe(from, tag, comm, status);
}

/// The message counts as received here, and not in MPI_Mrecv, which does not know the communicator.
int MPI_Mprobe(int from, int tag, MPI_Comm comm, MPI_Message* message, MPI_Status* wanted) {
  return receive("Mprobe", from, comm, wanted,
                 [=](MPI_Status* status) { return PMPI_Mprobe(from, tag, comm, message, status); });
}

int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const std::int64_t now = pdc::detail::now_ns();
  const int result = PMPI_Irecv(data, count, type, from, tag, comm, request);
  receive_begun(*request, "Irecv", now, {communicator_id(comm), from, rank_in(comm), tag});
  return result;
}

int MPI_Send_init(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
                  MPI_Request* request) {
  const auto make = synchronous() ? PMPI_Ssend_init : PMPI_Send_init;
  const int result = make(data, count, type, to, tag, comm, request);
  object_made(Object::request, number_of(*request), "Send_init");
  persistent_made(*request, Kind::send, {communicator_id(comm), rank_in(comm), to, tag});
  return result;
}

int MPI_Recv_init(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
                  MPI_Request* request) {
  const int result = PMPI_Recv_init(data, count, type, from, tag, comm, request);
  object_made(Object::request, number_of(*request), "Recv_init");
  persistent_made(*request, Kind::receive, {communicator_id(comm), from, rank_in(comm), tag});
  return result;
}

int MPI_Startall(int count, MPI_Request requests[]) {
  for (int i = 0; i < count; ++i) persistent_started(requests[i], "Startall");
  return PMPI_Startall(count, requests);
}

int MPI_Request_free(MPI_Request* request) {
  object_freed(Object::request, number_of(*request));
  persistent_freed(*request);
  return PMPI_Request_free(request);
}

int MPI_Wait(MPI_Request* request, MPI_Status* status) {
  const Call call(Kind::wait, "Wait");
  Awaited waited(1, request);
  Statuses seen(status, 1);
  const int result = PMPI_Wait(request, seen.get());
  waited.completed(0, seen[0]);
  return result;
}

int MPI_Waitall(int count, MPI_Request requests[], MPI_Status statuses[]) {
  const Call call(Kind::wait, "Waitall");
  Awaited waited(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Waitall(count, requests, seen.get());
  waited.all_completed(seen);
  return result;
}

int MPI_Waitany(int count, MPI_Request requests[], int* place, MPI_Status* status) {
  const Call call(Kind::wait, "Waitany");
  Awaited waited(count, requests);
  Statuses seen(status, 1);
  const int result = PMPI_Waitany(count, requests, place, seen.get());
  if (*place != MPI_UNDEFINED) waited.completed(*place, seen[0]);
  return result;
}

int MPI_Waitsome(int count, MPI_Request requests[], int* number, int places[],
                 MPI_Status statuses[]) {
  const Call call(Kind::wait, "Waitsome");
  Awaited waited(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Waitsome(count, requests, number, places, seen.get());
  for (int i = 0; i < *number; ++i) waited.completed(places[i], seen[i]);
  return result;
}

int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
  Awaited tested(1, request);
  Statuses seen(status, 1);
  const int result = PMPI_Test(request, done, seen.get());
  if (*done != 0) tested.completed(0, seen[0]);
  return result;
}

int MPI_Testall(int count, MPI_Request requests[], int* done, MPI_Status statuses[]) {
  Awaited tested(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Testall(count, requests, done, seen.get());
  if (*done != 0) tested.all_completed(seen);
  return result;
}

}  // extern "C"

}  // namespace pdc::mpi::detail
