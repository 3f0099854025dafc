// SPDX-License-Identifier: MIT
#include "ledger.hpp"

#include "pdc/print.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <sstream>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gather.hpp"
#include "requests.hpp"

namespace pdc::mpi::detail {
namespace {

constexpr std::size_t findings_told = 6;

struct KindOfObject {
  const char* name;
  std::uint64_t null;
  const char* settled = "freed";
};
// In the order of Object.
const std::array kinds = {
    KindOfObject{"a communicator", number_of(MPI_COMM_NULL)},
    KindOfObject{"a type", number_of(MPI_DATATYPE_NULL)},
    KindOfObject{"an operation", number_of(MPI_OP_NULL)},
    KindOfObject{"a window", number_of(MPI_WIN_NULL)},
    KindOfObject{"an access", number_of(MPI_WIN_NULL), "ended"},
    KindOfObject{"an exposure", number_of(MPI_WIN_NULL), "ended"},
    KindOfObject{"an epoch", number_of(MPI_WIN_NULL), "ended"},
    KindOfObject{"an epoch", number_of(MPI_WIN_NULL), "ended"},  // which the window's end ends
    KindOfObject{"a shared window", number_of(MPI_WIN_NULL), "synchronized"},
    KindOfObject{"a group", number_of(MPI_GROUP_NULL)},
    KindOfObject{"a file", number_of(MPI_FILE_NULL), "closed"},
    KindOfObject{"an error handler", number_of(MPI_ERRHANDLER_NULL)},
    KindOfObject{"a request", number_of(MPI_REQUEST_NULL)},
};
std::array<std::unordered_multimap<std::uint64_t, const char*>, kinds.size()> objects;  // by handle

using Findings = std::vector<std::string>;

void find_own(Findings& findings) {
  const auto add = [&](const std::string& call, int number, std::string_view what) {
    const std::string times = number == 1 ? "" : fmt::format(" ({} times)", number);
    findings.push_back(
        fmt::format("rank {}: {} {}{}", pdc::detail::world().rank, call, what, times));
  };
  for (const auto& [call, number] : requests_under_way()) add(call, number, "never completed");
  for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
    std::map<std::string, int> by_call;
    for (const auto& [handle, call] : objects[kind]) ++by_call[call];
    for (const auto& [call, number] : by_call)
      add(call, number,
          fmt::format("made {} that is never {}", kinds[kind].name, kinds[kind].settled));
  }
}

std::vector<std::string> split(const std::string& text, char end) {
  std::vector<std::string> parts;
  std::istringstream rest(text);
  for (std::string part; std::getline(rest, part, end);) parts.push_back(part);
  return parts;
}

/// Every rank's own findings, on rank 0.
void find_of_ranks(Findings& findings) {
  Findings mine;
  find_own(mine);
  for (const std::string& lines : gather_texts(pdc::join(mine, "\n")))
    for (const std::string& line : split(lines, '\n')) findings.push_back(line);
}

struct Balance {
  Envelope envelope;
  std::int64_t number;  // sent, or less those received
  std::array<char, 16> call;
};

/// The sender and the receiver of a message each know of one half.
void find_messages(Findings& findings) {
  std::vector<Balance> mine;
  for (const auto& [tally, sign] : {std::pair(&all_sent, 1), std::pair(&all_received, -1)}) {
    for (const auto& [envelope, counted] : tally->messages()) {
      Balance& balance = mine.emplace_back(Balance{envelope, sign * counted.number, {}});
      std::strncpy(balance.call.data(), counted.call, balance.call.size() - 1);
    }
  }
  std::vector<int> counts;
  std::unordered_map<Envelope, Balance, Hash> all;
  for (const Balance& part : gather_parts(mine, counts)) {
    const auto [place, is_new] = all.try_emplace(part.envelope, part);
    if (is_new) continue;
    place->second.number += part.number;
    if (part.number > 0) place->second.call = part.call;
  }
  for (const auto& [envelope, balance] : all) {
    if (balance.number <= 0) continue;
    findings.push_back(fmt::format(
        "{} from {} to {} with tag {}{} never received{}", balance.call.data(), envelope.source,
        envelope.destination, envelope.tag, envelope.comm == 1 ? "" : " in a communicator",
        balance.number == 1 ? "" : fmt::format(" ({} messages)", balance.number)));
  }
}

struct Hashed {
  std::uint64_t comm;
  std::uint64_t hash;
  int members;
};

/// A communicator whose members do not agree on the calls, 0 if there is none. The same everywhere.
std::uint64_t find_disagreement() {
  std::vector<Hashed> mine;
  for (const auto& [comm, calls] : all_called.calls())
    if (calls.hash != hash_seed) mine.push_back({comm, calls.hash, calls.members});
  std::vector<int> counts;
  std::map<std::uint64_t, std::map<std::uint64_t, int>> members;  // by communicator, then hash
  std::uint64_t result = 0;
  const std::vector<Hashed> all = gather_parts(mine, counts);
  for (const Hashed& calls : all) ++members[calls.comm][calls.hash];
  for (const Hashed& calls : all)
    if (members[calls.comm][calls.hash] != calls.members) result = calls.comm;
  PMPI_Bcast(&result, 1, MPI_UINT64_T, 0, quiet());
  return result;
}

/// The first call in which two ranks differ. Outside MPI_COMM_WORLD, of those that made any.
void find_collectives(Findings& findings) {
  const std::uint64_t comm = find_disagreement();
  if (comm == 0) return;
  std::string mine;
  if (const auto found = all_called.calls().find(comm); found != all_called.calls().end()) {
    for (const auto& [call, root] : found->second.first)
      mine += root < 0 ? fmt::format("{},", call) : fmt::format("{} with root {},", call, root);
  }
  all_called.forget(comm);
  const std::vector<std::string> texts = gather_texts(mine);
  if (pdc::detail::world().rank != 0) return;
  const auto counts = [&](const std::string& text) { return comm == 1 || !text.empty(); };
  const auto first = std::ranges::find_if(texts, counts);
  for (auto other = first; other != texts.end(); ++other) {
    if (!counts(*other) || *other == *first) continue;
    const auto calls = split(*first, ','), others = split(*other, ',');
    const auto [here, there] = std::ranges::mismatch(calls, others);
    findings.push_back(fmt::format("collective call {}: {} on rank {}, {} on rank {}",
                                   here - calls.begin() + 1, here == calls.end() ? "none" : *here,
                                   first - texts.begin(), there == others.end() ? "none" : *there,
                                   other - texts.begin()));
    return;
  }
  findings.push_back("some ranks made collective calls that others did not");
}

}  // namespace

std::uint64_t message_key(const Envelope& envelope) {
  std::uint64_t key = mix(hash_seed, static_cast<std::int64_t>(envelope.comm));
  for (const int part : {envelope.source, envelope.destination, envelope.tag}) key = mix(key, part);
  return key | 1;
}

Tally all_sent;
Tally all_received;
Order all_called;

void Tally::find(const Envelope& envelope) {
  place_ = &messages_[envelope];  // stays where it is
  last_ = envelope;
}

void Order::find(std::uint64_t comm) {
  place_ = &calls_[comm];  // stays where it is
  last_ = comm;
}

void Order::forget(std::uint64_t comm) {
  const auto found = calls_.find(comm);
  if (found == calls_.end()) return;
  found->second.hash = hash_seed;
  found->second.first.clear();
}

void object_made(Object kind, std::uint64_t handle, const char* call) {
  const Locked locked;
  const auto place = static_cast<std::size_t>(kind);
  if (handle != kinds[place].null) objects[place].emplace(handle, call);
}

void object_freed(Object kind, std::uint64_t handle) {
  const Locked locked;
  auto& made = objects[static_cast<std::size_t>(kind)];
  if (const auto found = made.find(handle); found != made.end()) made.erase(found);
}

void objects_freed(Object kind, std::uint64_t handle) {
  const Locked locked;
  objects[static_cast<std::size_t>(kind)].erase(handle);
}

bool is_there(Object kind, std::uint64_t handle) {
  const Locked locked;
  return objects[static_cast<std::size_t>(kind)].contains(handle);
}

void objects_lost(Object kind, std::uint64_t handle) {
  const Locked locked;
  auto& made = objects[static_cast<std::size_t>(kind)];
  while (auto one = made.extract(handle)) {
    one.key() = kinds[static_cast<std::size_t>(kind)].null;
    made.insert(std::move(one));
  }
}

std::string audit() {
  Findings findings;
  find_of_ranks(findings);
  find_messages(findings);
  find_collectives(findings);
  std::string more;
  if (findings.size() > findings_told) {
    more = fmt::format("; and {} more", findings.size() - findings_told);
    findings.resize(findings_told);
  }
  return fmt::format("{}{}", pdc::join(findings, "; "), more);
}

}  // namespace pdc::mpi::detail
