#include "recorder.hpp"

#include <unordered_map>

namespace pdc::mpi::detail {
namespace {

std::uint64_t mix(std::uint64_t hash, std::int64_t value) {  // FNV-1a, a word at a time
  return (hash ^ static_cast<std::uint64_t>(value + 2)) * 0x100000001b3U;
}
constexpr std::uint64_t seed = 0xcbf29ce484222325U;

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

int my_rank(MPI_Comm comm) {
  int rank = 0;
  PMPI_Comm_rank(comm, &rank);
  return rank;
}

/// A number that all members of a communicator agree on and that others (duplicates of it apart) do
/// not have. Found once for each communicator, then kept as its attribute.
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
  std::uint64_t id = seed;
  for (int rank = 0; rank < size; ++rank) id = mix(id, translate(comm, rank, MPI_COMM_WORLD));
  PMPI_Comm_set_attr(comm, keyval, reinterpret_cast<void*>(id));
  return id;
}

/// The key of the messages from one rank to another under one tag: MPI keeps such messages in
/// order, so the n-th send and the n-th receive of a key belong together. Never 0, which would mean
/// "by label".
std::uint64_t message_key(MPI_Comm comm, int source, int destination, int tag) {
  std::uint64_t key = mix(seed, static_cast<std::int64_t>(communicator_id(comm)));
  for (const int part : {source, destination, tag}) key = mix(key, part);
  return key | 1;
}

Span open(Kind kind, const char* name) {
  const Lane* row = lane();
  return row == nullptr ? Span() : row->span(kind, "{}", name);
}

}  // namespace

Call::Call(Kind kind, const char* name) : name_(name), span_(open(kind, name)) {}

void Call::sends(MPI_Comm comm, int destination, int tag) {
  if (!recorded() || destination == MPI_PROC_NULL) return;
  span_.rename("{} to {}", name_, destination);
  pdc::detail::set_message(span_, message_key(comm, my_rank(comm), destination, tag));
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
  if (!recorded() || status.MPI_SOURCE < 0) return;
  span_.rename("{} from {}", name_, status.MPI_SOURCE);
  pdc::detail::set_message(span_,
                           message_key(comm, status.MPI_SOURCE, my_rank(comm), status.MPI_TAG));
}

void Call::received(MPI_Comm comm, const MPI_Status& status, std::int64_t posted) {
  received(comm, status);
  if (recorded()) pdc::detail::set_posted(span_, posted);
}

void Call::collective(MPI_Comm comm, pdc::detail::Collective kind, int root) {
  static std::unordered_map<std::uint64_t, std::int64_t>
      calls;  // so far; the same in all members, collectives are ordered
  const std::uint64_t id = communicator_id(comm);
  const std::uint64_t call = mix(id, ++calls[id]);
  if (recorded()) pdc::detail::set_collective(span_, call, kind, root == my_rank(comm));
}

}  // namespace pdc::mpi::detail
