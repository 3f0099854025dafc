// SPDX-License-Identifier: MIT
#include "requests.hpp"

#include <iterator>
#include <utility>

#include "recorder.hpp"

namespace pdc::mpi::detail {
namespace {

UnderWays under_way;

struct Persistent {
  Kind kind;
  Envelope envelope;
};
std::unordered_map<MPI_Request, Persistent> persistent;

}  // namespace

void request_begun(MPI_Request request, Name call) {
  const Locked locked;
  under_way.emplace(request, UnderWay{call});
}

void receive_begun(MPI_Request request, Name call, std::int64_t time, const Envelope& envelope) {
  const Locked locked;
  under_way.emplace(request, UnderWay{call, time, envelope});
}

Awaited::Awaited(int count, const MPI_Request requests[]) : taken_(count) {
  const Locked locked;
  for (int i = 0; i < count; ++i) taken_[i] = under_way.extract(requests[i]);
}

Awaited::~Awaited() {
  const Locked locked;
  for (auto& one : taken_)
    if (one) under_way.insert(std::move(one));
}

void Awaited::completed(int place, const MPI_Status& status) {
  const auto one = std::move(taken_[place]);
  if (!one) return;
  UnderWay was = one.mapped();
  int cancelled = 0;
  if (was.receive) PMPI_Test_cancelled(&status, &cancelled);
  if (!was.receive || cancelled != 0 || status.MPI_SOURCE < 0) return;
  was.receive->source = status.MPI_SOURCE;
  was.receive->tag = status.MPI_TAG;
  Call call(Kind::receive, was.call);
  call.received(*was.receive);
  call.posted(was.posted);
}

void Awaited::all_completed(const Statuses& statuses) {
  for (int i = 0; i < std::ssize(taken_); ++i) completed(i, statuses[i]);
}

void persistent_made(MPI_Request request, Kind kind, const Envelope& envelope) {
  const Locked locked;
  persistent.insert_or_assign(request, Persistent{kind, envelope});
}

void persistent_started(MPI_Request request, Name call) {
  std::optional<Persistent> started;
  {
    const Locked locked;
    if (const auto found = persistent.find(request); found != persistent.end())
      started = found->second;
  }
  if (!started) return;
  const auto& [kind, envelope] = *started;
  if (kind == Kind::receive) {
    receive_begun(request, call, pdc::detail::now_ns(), envelope);
  } else {
    Call(kind, call).sends(envelope);
    request_begun(request, call);
  }
}

void persistent_freed(MPI_Request request) {
  const Locked locked;
  persistent.erase(request);
}

std::map<std::string, int> requests_under_way() {
  std::map<std::string, int> result;
  for (const auto& [request, what] : under_way) ++result[what.call.text];
  return result;
}

}  // namespace pdc::mpi::detail
