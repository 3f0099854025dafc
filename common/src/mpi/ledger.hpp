#pragma once

#include <mpi.h>

#include <cstdint>
#include <map>
#include <string>
#include <type_traits>

/// What a correct MPI program has settled at its end: every request completed, every object freed,
/// every message received, and the same collective calls made by all, in the same order. The
/// wrappers tell it what happens. As all of the layer: for programs of which one thread at a time
/// calls MPI.
namespace pdc::mpi::detail {

constexpr std::uint64_t hash_seed = 0xcbf29ce484222325U;
inline std::uint64_t mix(std::uint64_t hash, std::int64_t value) {  // FNV-1a, a word at a time
  return (hash ^ static_cast<std::uint64_t>(value + 2)) * 0x100000001b3U;
}

/// Where one message is matched: its communicator (communicator_id()) and the ranks and tag in it.
struct Envelope {
  std::uint64_t comm;
  int source, destination, tag;
  bool operator==(const Envelope&) const = default;
};

/// A number for each envelope, never 0.
std::uint64_t message_key(const Envelope& envelope);

void message_sent(const Envelope& envelope, const char* call);
void message_received(const Envelope& envelope);

/// Returns how many collective calls this communicator has seen, this one included.
std::int64_t collective_called(std::uint64_t comm, const char* call, int root);

enum class Object { communicator, type, group, window, operation };
void object_made(Object kind, std::uint64_t handle, const char* call);
void object_freed(Object kind, std::uint64_t handle);

/// Of a handle, which is a pointer in one MPI and a number in another.
template <class Handle>
std::uint64_t number_of(Handle handle) {
  if constexpr (std::is_pointer_v<Handle>)
    return reinterpret_cast<std::uint64_t>(handle);
  else
    return static_cast<std::uint64_t>(handle);
}

/// How many requests of each call are still under way. (requests.cpp)
std::map<std::string, int> requests_under_way();

/// What is not settled, in words; empty when all is. The whole of it on rank 0, nothing elsewhere.
/// Collective.
std::string audit();

}  // namespace pdc::mpi::detail
