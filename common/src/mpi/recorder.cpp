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

/// How many communicators have been made of each: all its members have made as many.
std::unordered_map<std::uint64_t, std::int64_t> made_of;

/// From here on it is kept as the communicator's attribute.
std::uint64_t set_id(MPI_Comm comm, std::uint64_t made_as) {
  MPI_Group group = MPI_GROUP_NULL;
  PMPI_Comm_group(comm, &group);
  Members members = members_of(group);
  if (is_intercommunicator(comm)) {  // the same in both groups
    PMPI_Comm_remote_group(comm, &group);
    const Members others = members_of(group);
    members.hash += others.hash;
    members.in_world += others.in_world;
  }
  const std::uint64_t id = mix(members.hash, static_cast<std::int64_t>(made_as));
  PMPI_Comm_set_attr(comm, attribute(), reinterpret_cast<void*>(id));
  all_called.expect(id, members.in_world);
  return id;
}

}  // namespace

Span open(Kind kind, const char* name) {
  const Lane* row = lane_of_thread != nullptr ? lane_of_thread : lane();
  return row == nullptr ? Span() : row->span(kind, "{}", name);
}

/// What communicator_made() was not told of has that of its members: two such of the same members
/// have the same.
std::uint64_t id_of_another(MPI_Comm comm) {
  void* kept = nullptr;
  int found = 0;
  PMPI_Comm_get_attr(comm, attribute(), &kept, &found);
  return found != 0 ? reinterpret_cast<std::uint64_t>(kept) : set_id(comm, 0);
}

void communicator_made(MPI_Comm of, MPI_Comm made) {
  const std::uint64_t original = communicator_id(of);
  std::int64_t number = 0;
  {
    const Locked locked;
    number = ++made_of[original];
  }
  if (made != MPI_COMM_NULL) set_id(made, mix(original, number));
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
