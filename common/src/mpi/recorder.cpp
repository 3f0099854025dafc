// SPDX-License-Identifier: MIT
#include "recorder.hpp"

#include <unordered_map>

namespace pdc::mpi::detail {
namespace {

struct Members {
  std::uint64_t hash = hash_seed;
  int in_world = 0;  // those that MPI_Comm_spawn has started are not
};

/// Frees the group.
Members members_of(MPI_Group group) {
  MPI_Group world = MPI_GROUP_NULL;
  PMPI_Comm_group(MPI_COMM_WORLD, &world);
  int size = 0;
  PMPI_Group_size(group, &size);
  Members members;
  for (int rank = 0; rank < size; ++rank) {
    int in_world = MPI_UNDEFINED;
    PMPI_Group_translate_ranks(group, 1, &rank, world, &in_world);
    members.hash = mix(members.hash, in_world);
    if (in_world != MPI_UNDEFINED) ++members.in_world;
  }
  PMPI_Group_free(&world);
  PMPI_Group_free(&group);
  return members;
}

/// The key of a communicator's id.
int attribute() {
  static const int keyval = [] {
    int key = MPI_KEYVAL_INVALID;
    PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &key, nullptr);
    return key;
  }();
  return keyval;
}

/// How many duplicates of each communicator there have been: all its members have made as many.
std::unordered_map<std::uint64_t, std::int64_t> duplicates;

}  // namespace

Span open(Kind kind, const char* name) {
  const Lane* row = lane_of_thread != nullptr ? lane_of_thread : lane();
  return row == nullptr ? Span() : row->span(kind, "{}", name);
}

/// Others do not have it, but those that the same members have made otherwise than as duplicates.
/// Found once for each communicator, then kept as its attribute.
std::uint64_t id_of_another(MPI_Comm comm) {
  const int keyval = attribute();
  void* kept = nullptr;
  int found = 0;
  PMPI_Comm_get_attr(comm, keyval, &kept, &found);
  if (found != 0) return reinterpret_cast<std::uint64_t>(kept);
  MPI_Group group = MPI_GROUP_NULL;
  PMPI_Comm_group(comm, &group);
  Members members = members_of(group);
  if (is_intercommunicator(comm)) {  // the same in both groups
    PMPI_Comm_remote_group(comm, &group);
    const Members others = members_of(group);
    members.hash += others.hash;
    members.in_world += others.in_world;
  }
  const std::uint64_t id = members.hash;
  PMPI_Comm_set_attr(comm, keyval, reinterpret_cast<void*>(id));
  all_called.expect(id, members.in_world);
  return id;
}

void duplicate_made(MPI_Comm of, MPI_Comm duplicate) {
  const std::uint64_t id_of_members = id_of_another(duplicate);  // expects as many calls
  const std::uint64_t original = communicator_id(of);
  std::uint64_t id = 0;
  {
    const Locked locked;
    id = mix(mix(id_of_members, static_cast<std::int64_t>(original)), ++duplicates[original]);
  }
  all_called.expect(id, all_called.members(id_of_members));
  PMPI_Comm_set_attr(duplicate, attribute(), reinterpret_cast<void*>(id));
}

void Call::sends_nothing(MPI_Comm comm, int destination, int tag) {
  if (destination == MPI_PROC_NULL) return;
  all_sent.take_back({communicator_id(comm), rank_in(comm), destination, tag});
  if (!recorded()) return;
  span_.rename("{} to {} fails", name_.text, destination);
  pdc::detail::set_message(span_, 0);
}

void Call::show(const char* direction, int other, const Envelope& envelope) {
  span_.rename("{} {} {}", name_.text, direction, other);
  pdc::detail::set_message(span_, message_key(envelope));
}

void Call::show_source(int source) {
  if (source == MPI_ANY_SOURCE) {
    span_.rename("{} from any", name_.text);
  } else {
    span_.rename("{} from {}", name_.text, source);
  }
}

void Call::show_nobody(const char* direction) {
  if (recorded()) span_.rename("{} {} nobody", name_.text, direction);
}

void Call::posted(std::int64_t time) const {
  if (recorded()) pdc::detail::set_posted(span_, time);
}

}  // namespace pdc::mpi::detail
