#include "ledger.hpp"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "gather.hpp"

namespace pdc::mpi::detail {
namespace {

constexpr std::size_t findings_told = 6;

std::array<std::unordered_multimap<std::uint64_t, const char*>, 5> objects;  // by kind, then handle
constexpr std::array kinds = {"a communicator", "a type", "a group", "a window", "an operation"};

using Findings = std::vector<std::string>;

std::string text_of(const std::vector<char>& characters) {
  return {characters.begin(), characters.end()};
}

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
      add(call, number, fmt::format("made {} that is never freed", kinds[kind]));
  }
}

/// Every rank's own findings, on rank 0.
void find_of_ranks(Findings& findings) {
  Findings mine;
  find_own(mine);
  const std::string lines = mine.empty() ? "" : fmt::format("{}\n", fmt::join(mine, "\n"));
  std::vector<int> lengths;
  std::string all = text_of(gather_parts(std::vector<char>(lines.begin(), lines.end()), lengths));
  for (std::size_t end; (end = all.find('\n')) != std::string::npos; all.erase(0, end + 1))
    findings.push_back(all.substr(0, end));
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
};

/// A communicator whose members do not agree on the calls, 0 if there is none. The same everywhere.
std::uint64_t find_disagreement() {
  std::vector<Hashed> mine;
  for (const auto& [comm, calls] : all_called.calls()) mine.push_back({comm, calls.hash});
  std::vector<int> counts;
  std::unordered_map<std::uint64_t, std::uint64_t> hashes;
  std::uint64_t result = 0;
  for (const Hashed& order : gather_parts(mine, counts)) {
    if (hashes.try_emplace(order.comm, order.hash).first->second != order.hash) result = order.comm;
  }
  PMPI_Bcast(&result, 1, MPI_UINT64_T, 0, quiet());
  return result;
}

std::vector<std::string> names_of(const std::string& calls) {
  std::vector<std::string> result;
  for (std::size_t begin = 0, end; (end = calls.find(',', begin)) != std::string::npos;
       begin = end + 1)
    result.push_back(calls.substr(begin, end - begin));
  return result;
}

/// The first call in which two ranks differ.
void find_collectives(Findings& findings) {
  const std::uint64_t comm = find_disagreement();
  if (comm == 0) return;
  std::vector<char> mine;
  const auto found = all_called.calls().find(comm);
  if (found != all_called.calls().end()) {
    for (const auto& [call, root] : found->second.first) {
      const std::string from = root < 0 ? "" : fmt::format(" with root {}", root);
      const std::string name = fmt::format("{}{},", call, from);
      mine.insert(mine.end(), name.begin(), name.end());
    }
  }
  std::vector<int> lengths;
  const std::string all = text_of(gather_parts(mine, lengths));
  std::vector<std::vector<std::string>> calls;
  for (std::size_t rank = 0, begin = 0; rank < lengths.size() && !all.empty(); ++rank) {
    const auto length = static_cast<std::size_t>(lengths[rank]);
    calls.push_back(names_of(all.substr(begin, length)));
    begin += length;
  }
  for (std::size_t rank = 1; rank < calls.size(); ++rank) {
    const auto [here, there] = std::ranges::mismatch(calls[0], calls[rank]);
    if (here == calls[0].end() && there == calls[rank].end()) continue;
    const auto name = [](const auto& at, const auto& in) { return at == in.end() ? "none" : *at; };
    findings.push_back(fmt::format("collective call {}: {} on rank 0, {} on rank {}",
                                   here - calls[0].begin() + 1, name(here, calls[0]),
                                   name(there, calls[rank]), rank));
    return;
  }
  if (pdc::detail::world().rank == 0)
    findings.push_back("the ranks' collective calls differ, later on or in a communicator");
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

void Tally::find(const Envelope& envelope, const char* call) {
  place_ = &messages_[envelope];  // stays where it is
  last_ = envelope;
  place_->call = call;
}

void Order::find(std::uint64_t comm) {
  place_ = &calls_[comm];  // stays where it is
  last_ = comm;
}

void object_made(Object kind, std::uint64_t handle, const char* call) {
  objects[static_cast<std::size_t>(kind)].emplace(handle, call);
}

void object_freed(Object kind, std::uint64_t handle) {
  auto& made = objects[static_cast<std::size_t>(kind)];
  if (const auto found = made.find(handle); found != made.end()) made.erase(found);
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
  return fmt::format("{}{}", fmt::join(findings, "; "), more);
}

}  // namespace pdc::mpi::detail
