// Consistent hashing: when a node leaves, its keys move, and all others stay where they are.
//
// Concept   A hash says which of n nodes has a key. By the hash modulo n, all keys but about 1 in n
//           move when a node leaves. On a ring of hashes each node has a place, and a key belongs to
//           the next place after its own hash: only keys of the node that left move. With one place
//           each, shares are uneven, and one node inherits all; with many, neither is so.
// Shows     std::map::lower_bound, std::erase_if, FNV-1a
// Python    uhashring.HashRing
// Run       consistent_hashing --nodes 5
// You see   arrows from all nodes to all; one, between uneven bars; one to each other node
// Next      heartbeat notices that a node has gone; gossip lets all others know

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <ranges>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
using Hash = std::uint64_t;

/// FNV-1a and a mixer: the same on every machine, which std::hash does not promise.
Hash hash(std::string_view text) {
  Hash value = 0xcbf29ce484222325;
  for (const char each : text) value = (value ^ static_cast<unsigned char>(each)) * 0x100000001b3;
  value = (value ^ value >> 33) * 0xff51afd7ed558ccd;  // else similar names are close together
  value = (value ^ value >> 33) * 0xc4ceb9fe1a85ec53;
  return value ^ value >> 33;
}

struct Cluster {
  const int places;  // on the ring, for each node
  std::vector<int> nodes = {};
  std::map<Hash, int> ring = {};

  void add(int node) {
    nodes.push_back(node);
    for (int i = 0; i < places; ++i) ring[hash(fmt::format("node {}, place {}", node, i))] = node;
  }
  void remove(int node) {
    std::erase(nodes, node);
    std::erase_if(ring, [=](const auto& place) { return place.second == node; });
  }
};

/// Wrong on purpose: with another number of nodes, most keys have another node.
int find_by_modulo(const Cluster& cluster, Hash key) {
  return cluster.nodes[key % cluster.nodes.size()];
}

int find_on_ring(const Cluster& cluster, Hash key) {
  const auto next = cluster.ring.lower_bound(key);
  return next == cluster.ring.end() ? cluster.ring.begin()->second : next->second;
}

using Find = decltype(find_on_ring);
using Where = std::vector<int>;  // the node of each key

constexpr int keys = 10'000, many_places = 128, leaver = 1;
constexpr double chance = 4;  // standard deviations: no more is put down to chance

Where find_all(const Cluster& cluster, Find* find) {
  Where where;
  for (int i = 0; i < keys; ++i) where.push_back(find(cluster, hash(fmt::format("key {}", i))));
  return where;
}

struct Run {
  std::map<std::pair<int, int>, int> moves = {};  // from where, to where: how many keys
  int moved = 0, strangers = 0, fullest = 0;      // keys: not of the leaver; of one node
  bool is_restored = false;
};

/// The nodes answer side by side. Returns how many keys the fullest has.
int answer_all(const std::vector<pdc::Lane>& lanes, const Where& where) {
  std::map<int, int> load;
  for (const int node : where) ++load[node];
  const auto start = std::chrono::steady_clock::now();
  std::multimap<int, pdc::Span> busy;  // the node with the fewest keys ends first
  for (const auto& [node, count] : load) busy.emplace(count, lanes[node].work("{} keys", count));
  while (!busy.empty()) {
    std::this_thread::sleep_until(start + busy.begin()->first * 4us);  // plays a request for each
    busy.erase(busy.begin());
  }
  return std::ranges::max(std::views::values(load));
}

void lose_node(Run& run, int nodes, int places, Find* find) {
  Cluster cluster{places};
  std::vector<pdc::Lane> lanes;
  for (int node = 0; node < nodes; ++node) {
    cluster.add(node);
    lanes.push_back(pdc::Lane("node {}", node));
  }
  const Where before = find_all(cluster, find);
  cluster.remove(leaver);
  const Where after = find_all(cluster, find);
  cluster.add(leaver);
  run.is_restored = find_all(cluster, find) == before;
  run.fullest = answer_all(lanes, before);
  pdc::mark(fmt::format("node {} leaves", leaver));
  for (int i = 0; i < keys; ++i)
    if (before[i] != after[i]) ++run.moves[{before[i], after[i]}];
  for (const auto& [way, count] : run.moves) {
    const auto send = lanes[way.first].send("{} keys to node {}", count, way.second);
    std::this_thread::sleep_for(count * 4us);  // plays the way there
    const auto receive = lanes[way.second].receive("{} keys to node {}", count, way.second);
    run.moved += count;
    if (way.first != leaver && run.strangers == 0) pdc::fault("keys of others move");
    if (way.first != leaver) run.strangers += count;
  }
  answer_all(lanes, after);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"nodes", 5, "nodes that share the keys", {3, 12}}});
  const int nodes = program.integer("nodes");
  Run modulo, one, many;

  program.scene("hash modulo n", lose_node, modulo, nodes, 1, find_by_modulo);
  program.scene("a ring, one place for each", lose_node, one, nodes, 1, find_on_ring);
  program.scene("a ring, many for each", lose_node, many, nodes, many_places, find_on_ring);

  const double share = 1.0 * keys / nodes;
  const double limit = share * (1 + chance * std::sqrt(1.0 / many_places + 1 / share));
  pdc::check(std::abs(modulo.moved - (keys - share)) < chance * std::sqrt(share),
             "by hash modulo n, about (n - 1) / n of all keys move when one node leaves",
             "{} of {}", modulo.moved, keys);
  pdc::check(one.strangers + many.strangers == 0 && one.is_restored && many.is_restored,
             "on a ring, only the keys of that node move, and they return with it",
             "{} and {} of {}", one.moved, many.moved, keys);
  pdc::check(one.moves.size() == 1 && many.moves.size() == std::size_t(nodes - 1),
             "a node with one place leaves its keys to one other, one with many to all others");
  pdc::check(one.fullest > limit && many.fullest <= limit,
             "with these names, many places put no node far above its share, and one place does",
             "{} and {} keys, limit {:.0f}", many.fullest, one.fullest, limit);
  return program.finish();
}
