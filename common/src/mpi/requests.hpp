// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ledger.hpp"
#include "pdc/timeline.hpp"

/// Requests: what is begun by one call and completed by another.
namespace pdc::mpi::detail {

void request_begun(MPI_Request request, Name call);

/// A receive, begun at that time. Whom it is from may be known only when it is completed.
void receive_begun(MPI_Request request, Name call, std::int64_t time, const Envelope& envelope);

struct UnderWay {
  Name call;
  std::int64_t posted = 0;
  std::optional<Envelope> receive = {};
};

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

/// What is complete at once may share a handle with others.
using UnderWays = std::unordered_multimap<MPI_Request, UnderWay>;

/// Requests that a call waits or asks for. Until its end they are not under way: once one of them is
/// complete, MPI may give its handle to another thread. Those that it has not completed are again.
class Awaited {
 public:
  Awaited(int count, const MPI_Request requests[]);
  ~Awaited();
  Awaited(const Awaited&) = delete;
  Awaited& operator=(const Awaited&) = delete;

  /// If it was a receive, that is a short bar of its own.
  void completed(int place, const MPI_Status& status);
  void all_completed(const Statuses& statuses);

 private:
  std::vector<UnderWays::node_type> taken_;
};

/// A persistent request, of a message that has this envelope each time that it is started.
void persistent_made(MPI_Request request, Kind kind, const Envelope& envelope);

/// From now until it is completed, as one that was begun by that call.
void persistent_started(MPI_Request request, Name call);

void persistent_freed(MPI_Request request);

/// How many requests of each call are still under way.
std::map<std::string, int> requests_under_way();

}  // namespace pdc::mpi::detail
