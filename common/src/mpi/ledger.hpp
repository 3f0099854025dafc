// SPDX-License-Identifier: MIT
#pragma once

#include <mpi.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <vector>

/// What a correct MPI program has settled at its end: every request completed, every object freed,
/// every message received, and the same collective calls made by all, in the same order. The
/// wrappers tell it what happens. Thread safety: with MPI_THREAD_MULTIPLE several threads may tell it at
/// once; nobody does while it is audited.
namespace pdc::mpi::detail {

inline bool several_threads = false;  // may call at once; settled by begin_recording()

/// Keeps the other threads out of the accounts, if there may be some; else it costs a test of a flag.
class Locked {
 public:
  Locked() {
    if (several_threads) mutex.lock();
  }
  ~Locked() {
    if (several_threads) mutex.unlock();
  }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

 private:
  static inline std::mutex mutex;
};

constexpr std::uint64_t hash_seed = 0xcbf29ce484222325U;
constexpr std::uint64_t mix(std::uint64_t hash, std::int64_t value) {  // FNV-1a, a word at a time
  return (hash ^ static_cast<std::uint64_t>(value + 2)) * 0x100000001b3U;
}

/// What a call is called. The compiler makes the hash.
struct Name {
  consteval Name(const char* of) : text(of) {
    for (const char* letter = text; *letter != 0; ++letter) hash = mix(hash, *letter);
  }
  const char* text;
  std::uint64_t hash = hash_seed;
};

/// Where one message is matched: its communicator (communicator_id()) and the ranks and tag in it.
struct Envelope {
  std::uint64_t comm;
  int source, destination, tag;
  bool operator==(const Envelope&) const = default;
};

/// A number for each envelope, never 0.
std::uint64_t message_key(const Envelope& envelope);

struct Counted {
  std::int64_t number = 0;
  const char* call = "";
};
struct Hash {
  std::size_t operator()(const Envelope& envelope) const { return message_key(envelope); }
};

/// Messages by their envelopes. Mostly the next one has the envelope of the last one.
class Tally {
 public:
  void count(const Envelope& envelope, const char* call) {
    const Locked locked;
    if (place_ == nullptr || envelope != last_) find(envelope);
    place_->call = call;  // of the last one: it is received last
    ++place_->number;
  }
  void take_back(const Envelope& envelope) {
    const Locked locked;
    --messages_[envelope].number;
  }
  const auto& messages() const { return messages_; }

 private:
  void find(const Envelope& envelope);

  std::unordered_map<Envelope, Counted, Hash> messages_;
  Envelope last_{};
  Counted* place_ = nullptr;
};
extern Tally all_sent;
extern Tally all_received;

struct Called {
  const char* call;
  int root;
};

/// The collective calls of each communicator. Mostly the next one is in that of the last one.
class Order {
 public:
  struct Calls {
    std::uint64_t hash = hash_seed;
    std::int64_t number = 0;
    std::vector<Called> first = {};
    int members = 0;
  };

  /// What one member calls in it, so many have to call.
  void expect(std::uint64_t comm, int members) {
    const Locked locked;
    calls_[comm].members = members;
  }

  /// Returns how many this communicator has seen, this one included.
  std::int64_t count(std::uint64_t comm, Name call, int root) {
    const Locked locked;
    if (place_ == nullptr || comm != last_) find(comm);
    place_->hash = mix(mix(place_->hash, static_cast<std::int64_t>(call.hash)), root);
    if (place_->first.size() < remembered) place_->first.push_back({call.text, root});
    return ++place_->number;
  }
  /// From here on they are compared anew. Their number goes on, as the picture's.
  void forget(std::uint64_t comm);
  const auto& calls() const { return calls_; }

 private:
  static constexpr std::size_t remembered = 4096;  // of those after, a hash

  void find(std::uint64_t comm);

  std::unordered_map<std::uint64_t, Calls> calls_;
  std::uint64_t last_ = 0;
  Calls* place_ = nullptr;
};
extern Order all_called;

enum class Object {
  communicator,
  type,
  operation,
  window,
  access,
  exposure,
  epoch,
  fenced,
  shared,
  group,
  file,
  handler,
  request
};  // as ledger.cpp names them
/// The null handle is none: some ranks get that.
void object_made(Object kind, std::uint64_t handle, const char* call);
void object_freed(Object kind, std::uint64_t handle);
/// All that have this handle, as the accesses to a window have it.
void objects_freed(Object kind, std::uint64_t handle);
bool is_there(Object kind, std::uint64_t handle);
void objects_lost(Object kind, std::uint64_t handle);  // nothing will free them any more

/// Of a handle, which is a pointer in one MPI and a number in another.
template <class Handle>
std::uint64_t number_of(Handle handle) {
  if constexpr (std::is_pointer_v<Handle>)
    return reinterpret_cast<std::uint64_t>(handle);
  else
    return static_cast<std::uint64_t>(handle);
}

/// What is not settled, in words; empty when all is. The whole of it on rank 0, nothing elsewhere.
/// Collective. Ranks that called different collectives are told of once: nothing settles that.
std::string audit();

}  // namespace pdc::mpi::detail
