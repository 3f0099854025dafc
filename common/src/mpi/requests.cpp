// SPDX-License-Identifier: MIT
#include <optional>
#include <unordered_map>
#include <vector>

#include "recorder.hpp"

/// Wrappers in MPI's profiling interface, as point_to_point.cpp: what is started by one call and
/// completed by another.
using pdc::Kind;
using pdc::detail::Collective;
using pdc::mpi::detail::Call;
using pdc::mpi::detail::Envelope;
using pdc::mpi::detail::Name;

namespace {

struct UnderWay {
  Name call;
  std::int64_t posted = 0;
  std::optional<Envelope> receive = {};  // whom it is from is known only when it is completed
};
std::unordered_multimap<MPI_Request, UnderWay> under_way;  // what is complete at once may share one

template <class Send>
int start_send(Name name, Send* pmpi, const void* data, int count, MPI_Datatype type, int to,
               int tag, MPI_Comm comm, MPI_Request* request) {
  Call call(Kind::send, name);
  call.sends(comm, to, tag);
  const int result = pmpi(data, count, type, to, tag, comm, request);
  under_way.emplace(*request, UnderWay{name});
  return result;
}

/// A request has come to its end; if it was a receive, that is a short bar of its own.
void completed(MPI_Request request, const MPI_Status& status) {
  const auto found = under_way.find(request);
  if (found == under_way.end()) return;
  UnderWay was = found->second;
  under_way.erase(found);
  int cancelled = 0;
  if (was.receive) PMPI_Test_cancelled(&status, &cancelled);
  if (!was.receive || cancelled != 0 || status.MPI_SOURCE < 0) return;
  was.receive->source = status.MPI_SOURCE;
  was.receive->tag = status.MPI_TAG;
  Call call(Kind::receive, was.call);
  call.received(*was.receive);
  call.posted(was.posted);
}

/// Somewhere to write one status, or several, when the program does not want them.
class Statuses {
 public:
  Statuses(MPI_Status* wanted, int count)
      : own_(wanted == MPI_STATUS_IGNORE || wanted == MPI_STATUSES_IGNORE
                 ? static_cast<std::size_t>(count)
                 : 0),
        seen_(own_.empty() ? wanted : own_.data()) {}
  MPI_Status* get() { return seen_; }
  const MPI_Status& operator[](int i) const { return seen_[i]; }

 private:
  std::vector<MPI_Status> own_;
  MPI_Status* seen_;
};

std::vector<MPI_Request> copy(int count, const MPI_Request requests[]) {
  return {requests, requests + count};
}

/// For the calls that complete some of many; `done` says how many, MPI_UNDEFINED for none at all.
void completed_some(const std::vector<MPI_Request>& requests, int done, const int places[],
                    const Statuses& seen) {
  for (int i = 0; done != MPI_UNDEFINED && i < done; ++i)
    completed(requests[static_cast<std::size_t>(places[i])], seen[i]);
}

/// A collective call that is only begun: everybody needs everybody, but nobody waits in it.
int started(Name name, MPI_Comm comm, int root, int result, const MPI_Request* request) {
  Call call(Kind::send, name);
  call.collective(comm, Collective::loose, root);
  under_way.emplace(*request, UnderWay{name});
  return result;
}

}  // namespace

std::map<std::string, int> pdc::mpi::detail::requests_under_way() {
  std::map<std::string, int> result;
  for (const auto& [request, what] : under_way) ++result[what.call.text];
  return result;
}

extern "C" {

int MPI_Isend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const auto send = pdc::mpi::detail::synchronous() ? PMPI_Issend : PMPI_Isend;
  return start_send("Isend", send, data, count, type, to, tag, comm, request);
}

int MPI_Issend(const void* data, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
               MPI_Request* request) {
  return start_send("Issend", PMPI_Issend, data, count, type, to, tag, comm, request);
}

int MPI_Irecv(void* data, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request* request) {
  const std::int64_t now = pdc::detail::now_ns();
  const int result = PMPI_Irecv(data, count, type, from, tag, comm, request);
  const Envelope envelope{pdc::mpi::detail::communicator_id(comm), from,
                          pdc::mpi::detail::rank_in(comm), tag};
  under_way.emplace(*request, UnderWay{"Irecv", now, envelope});
  return result;
}

int MPI_Ibarrier(MPI_Comm comm, MPI_Request* request) {
  return started("Ibarrier", comm, MPI_PROC_NULL, PMPI_Ibarrier(comm, request), request);
}

int MPI_Ibcast(void* data, int count, MPI_Datatype type, int root, MPI_Comm comm,
               MPI_Request* request) {
  return started("Ibcast", comm, root, PMPI_Ibcast(data, count, type, root, comm, request),
                 request);
}

int MPI_Iallreduce(const void* out, void* in, int count, MPI_Datatype type, MPI_Op op,
                   MPI_Comm comm, MPI_Request* request) {
  return started("Iallreduce", comm, MPI_PROC_NULL,
                 PMPI_Iallreduce(out, in, count, type, op, comm, request), request);
}

int MPI_Iallgather(const void* out, int out_count, MPI_Datatype out_type, void* in, int in_count,
                   MPI_Datatype in_type, MPI_Comm comm, MPI_Request* request) {
  return started("Iallgather", comm, MPI_PROC_NULL,
                 PMPI_Iallgather(out, out_count, out_type, in, in_count, in_type, comm, request),
                 request);
}

int MPI_Wait(MPI_Request* request, MPI_Status* status) {
  const Call call(Kind::wait, "Wait");
  const MPI_Request waited = *request;
  Statuses seen(status, 1);
  const int result = PMPI_Wait(request, seen.get());
  completed(waited, seen[0]);
  return result;
}

int MPI_Waitall(int count, MPI_Request requests[], MPI_Status statuses[]) {
  const Call call(Kind::wait, "Waitall");
  const std::vector<MPI_Request> waited = copy(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Waitall(count, requests, seen.get());
  for (int i = 0; i < count; ++i) completed(waited[static_cast<std::size_t>(i)], seen[i]);
  return result;
}

int MPI_Waitany(int count, MPI_Request requests[], int* index, MPI_Status* status) {
  const Call call(Kind::wait, "Waitany");
  const std::vector<MPI_Request> waited = copy(count, requests);
  Statuses seen(status, 1);
  const int result = PMPI_Waitany(count, requests, index, seen.get());
  completed_some(waited, *index == MPI_UNDEFINED ? MPI_UNDEFINED : 1, index, seen);
  return result;
}

int MPI_Waitsome(int count, MPI_Request requests[], int* done, int places[],
                 MPI_Status statuses[]) {
  const Call call(Kind::wait, "Waitsome");
  const std::vector<MPI_Request> waited = copy(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Waitsome(count, requests, done, places, seen.get());
  completed_some(waited, *done, places, seen);
  return result;
}

int MPI_Test(MPI_Request* request, int* done, MPI_Status* status) {
  const MPI_Request tested = *request;
  Statuses seen(status, 1);
  const int result = PMPI_Test(request, done, seen.get());
  if (*done != 0) completed(tested, seen[0]);
  return result;
}

int MPI_Testall(int count, MPI_Request requests[], int* done, MPI_Status statuses[]) {
  const std::vector<MPI_Request> tested = copy(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Testall(count, requests, done, seen.get());
  for (int i = 0; *done != 0 && i < count; ++i)
    completed(tested[static_cast<std::size_t>(i)], seen[i]);
  return result;
}

int MPI_Testany(int count, MPI_Request requests[], int* index, int* done, MPI_Status* status) {
  const std::vector<MPI_Request> tested = copy(count, requests);
  Statuses seen(status, 1);
  const int result = PMPI_Testany(count, requests, index, done, seen.get());
  if (*done != 0) completed_some(tested, *index == MPI_UNDEFINED ? MPI_UNDEFINED : 1, index, seen);
  return result;
}

int MPI_Testsome(int count, MPI_Request requests[], int* done, int places[],
                 MPI_Status statuses[]) {
  const std::vector<MPI_Request> tested = copy(count, requests);
  Statuses seen(statuses, count);
  const int result = PMPI_Testsome(count, requests, done, places, seen.get());
  completed_some(tested, *done, places, seen);
  return result;
}

}  // extern "C"
