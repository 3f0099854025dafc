// SPDX-License-Identifier: MIT
#include "recorder.hpp"

namespace pdc::mpi::detail {
namespace {

int translate(MPI_Comm from, int rank, MPI_Comm to) {
  if (from == to || rank < 0) return rank;
  MPI_Group from_group = MPI_GROUP_NULL;
  MPI_Group to_group = MPI_GROUP_NULL;
  PMPI_Comm_group(from, &from_group);
  PMPI_Comm_group(to, &to_group);
  int result = rank;
  PMPI_Group_translate_ranks(from_group, 1, &rank, to_group, &result);
  PMPI_Group_free(&from_group);
  PMPI_Group_free(&to_group);
  return result;
}

}  // namespace

Span open(Kind kind, const char* name) {
  const Lane* row = lane();
  return row == nullptr ? Span() : row->span(kind, "{}", name);
}

/// Others, duplicates of it apart, do not have it. Found once for each communicator, then kept as
/// its attribute.
std::uint64_t id_of_another(MPI_Comm comm) {
  static const int keyval = [] {
    int key = MPI_KEYVAL_INVALID;
    PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &key, nullptr);
    return key;
  }();
  void* kept = nullptr;
  int found = 0;
  PMPI_Comm_get_attr(comm, keyval, &kept, &found);
  if (found != 0) return reinterpret_cast<std::uint64_t>(kept);
  int size = 0;
  PMPI_Comm_size(comm, &size);
  std::uint64_t id = hash_seed;
  for (int rank = 0; rank < size; ++rank) id = mix(id, translate(comm, rank, MPI_COMM_WORLD));
  PMPI_Comm_set_attr(comm, keyval, reinterpret_cast<void*>(id));
  all_called.expect(id, size);
  return id;
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
