#include "recorder.hpp"

#include "runtime.hpp"

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

Span open(Kind kind, const char* name) {
  const Lane* row = lane();
  return row == nullptr ? Span() : row->span(kind, "{}", name);
}

}  // namespace

/// Others, duplicates of it apart, do not have it. Found once for each communicator, then kept as
/// its attribute.
std::uint64_t communicator_id(MPI_Comm comm) {
  static const int keyval = [] {
    int key = MPI_KEYVAL_INVALID;
    PMPI_Comm_create_keyval(MPI_COMM_NULL_COPY_FN, MPI_COMM_NULL_DELETE_FN, &key, nullptr);
    return key;
  }();
  if (comm == MPI_COMM_WORLD) return 1;
  void* kept = nullptr;
  int found = 0;
  PMPI_Comm_get_attr(comm, keyval, &kept, &found);
  if (found != 0) return reinterpret_cast<std::uint64_t>(kept);
  int size = 0;
  PMPI_Comm_size(comm, &size);
  std::uint64_t id = hash_seed;
  for (int rank = 0; rank < size; ++rank) id = mix(id, translate(comm, rank, MPI_COMM_WORLD));
  PMPI_Comm_set_attr(comm, keyval, reinterpret_cast<void*>(id));
  return id;
}

int rank_in(MPI_Comm comm) {
  if (comm == MPI_COMM_WORLD) return pdc::detail::world().rank;
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}

Call::Call(Kind kind, const char* name) : name_(name), span_(open(kind, name)) {}

void Call::sends(MPI_Comm comm, int destination, int tag) {
  if (destination == MPI_PROC_NULL) return;
  const Envelope envelope{communicator_id(comm), rank_in(comm), destination, tag};
  message_sent(envelope, name_);
  if (!recorded()) return;
  span_.rename("{} to {}", name_, destination);
  pdc::detail::set_message(span_, message_key(envelope));
}

void Call::receives(int source) {
  if (!recorded() || source == MPI_PROC_NULL) return;
  if (source == MPI_ANY_SOURCE) {
    span_.rename("{} from any", name_);
  } else {
    span_.rename("{} from {}", name_, source);
  }
}

void Call::received(MPI_Comm comm, const MPI_Status& status) {
  if (status.MPI_SOURCE < 0) return;
  received({communicator_id(comm), status.MPI_SOURCE, rank_in(comm), status.MPI_TAG});
}

void Call::received(const Envelope& envelope) {
  message_received(envelope);
  if (!recorded()) return;
  span_.rename("{} from {}", name_, envelope.source);
  pdc::detail::set_message(span_, message_key(envelope));
}

void Call::posted(std::int64_t time) const {
  if (recorded()) pdc::detail::set_posted(span_, time);
}

void Call::collective(MPI_Comm comm, pdc::detail::Collective kind, int root) {
  const std::uint64_t id = communicator_id(comm);
  const std::int64_t collective_number = collective_called(id, name_, root);
  const bool is_root = root >= 0 && root == rank_in(comm);
  if (recorded()) pdc::detail::set_collective(span_, mix(id, collective_number), kind, is_root);
}

}  // namespace pdc::mpi::detail
