// SPDX-License-Identifier: MIT
#include "requests.hpp"

#include <optional>
#include <unordered_map>

#include "recorder.hpp"

namespace pdc::mpi::detail {
namespace {

struct UnderWay {
  Name call;
  std::int64_t posted = 0;
  std::optional<Envelope> receive = {};
};
std::unordered_multimap<MPI_Request, UnderWay> under_way;  // what is complete at once may share one

struct Persistent {
  Kind kind;
  Envelope envelope;
};
std::unordered_map<MPI_Request, Persistent> persistent;

}  // namespace

void request_begun(MPI_Request request, Name call) {
  under_way.emplace(request, UnderWay{call});
}

void receive_begun(MPI_Request request, Name call, std::int64_t time, const Envelope& envelope) {
  under_way.emplace(request, UnderWay{call, time, envelope});
}

void request_completed(MPI_Request request, const MPI_Status& status) {
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

void persistent_made(MPI_Request request, Kind kind, const Envelope& envelope) {
  persistent.insert_or_assign(request, Persistent{kind, envelope});
}

void persistent_started(MPI_Request request, Name call) {
  const auto found = persistent.find(request);
  if (found == persistent.end()) return;
  const auto& [kind, envelope] = found->second;
  if (kind == Kind::receive) {
    receive_begun(request, call, pdc::detail::now_ns(), envelope);
  } else {
    Call(kind, call).sends(envelope);
    request_begun(request, call);
  }
}

void persistent_freed(MPI_Request request) {
  persistent.erase(request);
}

std::map<std::string, int> requests_under_way() {
  std::map<std::string, int> result;
  for (const auto& [request, what] : under_way) ++result[what.call.text];
  return result;
}

}  // namespace pdc::mpi::detail
