// Gossip: each node that has the news tells one other in each round, until all have it.
//
// Concept   One node tells all others. A node whose message is lost never knows; if the teller is
//           killed, the rest never do. With gossip, each node that knows tells one other in each
//           round, any one. At first those who know nearly double each time, and after about log n
//           rounds all know, although messages are lost and nodes are killed.
// Shows     std::mt19937, std::vector, std::ranges::adjacent_find
// Python    random.choice
// Run       gossip --nodes 1000 --drop 20 --kill 50 --seed 1
// You see   nodes that never know; one that knows, and tells nobody; all of them after 24 rounds
// Next      heartbeat notices that a node has gone

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <random>
#include <ranges>
#include <thread>
#include <vector>

namespace {

constexpr int first = 0;                     // has the news from somewhere else
enum Fate { first_lives, first_is_killed };  // as soon as another one knows

struct Group {
  const int nodes, living;
  const unsigned drop;  // percent
  std::mt19937 random;  // the same numbers everywhere, which no distribution promises
  std::vector<bool> lives = std::vector<bool>(nodes), knows = std::vector<bool>(nodes);
  std::vector<int> sent = std::vector<int>(nodes);  // messages
  int lost = 0;                                     // those for a node that lives
  std::vector<int> known = {1};                     // nodes that know, after each round

  explicit Group(const pdc::Program& program)
      : nodes(program.integer("nodes")),
        living(nodes - program.integer("kill")),
        drop(program.integer("drop")),
        random(program.integer("seed")) {
    std::fill_n(lives.begin(), living, true);
    knows[first] = true;
  }
};

using Messages = std::vector<std::pair<int, int>>;  // from whom, to whom
using Tell = Messages(Group&, int round);

/// Wrong on purpose: all depends on one node, and on each message.
Messages tell_in_turn(Group& group, int round) {
  if (!group.lives[first]) return {};
  return {{first, round}};
}

/// Any other node: the one that asks knows neither which of them live, nor which know already.
int choose_other(int node, int nodes, std::mt19937& random) {
  const int ahead = 1 + static_cast<int>(random() % (nodes - 1));
  return (node + ahead) % nodes;
}

Messages tell_anyone(Group& group, int) {
  Messages messages;
  for (int node = 0; node < group.nodes; ++node) {
    if (!group.lives[node] || !group.knows[node]) continue;
    messages.emplace_back(node, choose_other(node, group.nodes, group.random));
  }
  return messages;
}

void deliver(Group& group, int from, int to) {
  ++group.sent[from];
  const bool is_lost = group.random() % 100 < group.drop;
  if (!group.lives[to]) return;
  if (is_lost) ++group.lost;
  if (is_lost || group.knows[to]) return;
  group.knows[to] = true;
  ++group.known.back();
}

void draw(const Group& group, const std::map<int, pdc::Lane>& lanes) {
  std::vector<pdc::Span> now;
  for (const auto& [node, lane] : lanes)
    if (group.lives[node]) now.push_back(group.knows[node] ? lane.hold("news") : lane.wait("news"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // for the picture alone: a round
}

void spread(Group& group, int rounds, Tell* tell, Fate fate) {
  std::map<int, pdc::Lane> lanes;  // of five nodes
  for (int node = 0; node < group.living; node += (group.living + 4) / 5)
    lanes.emplace(node, pdc::Lane("node {}", node));
  for (int round = 1; round <= rounds; ++round) {
    if (round <= 30) draw(group, lanes);
    group.known.push_back(group.known.back());
    for (const auto& [from, to] : tell(group, round)) deliver(group, from, to);
    if (fate == first_lives || group.known.back() == 1 || !group.lives[first]) continue;
    group.lives[first] = false;
    pdc::mark("it is killed");
  }
  pdc::say("they know: {}, ...", pdc::join(group.known | std::views::take(20)));
}

int count_without_news(const Group& group) {
  int count = 0;
  for (int i = 0; i < group.nodes; ++i) count += group.lives[i] && !group.knows[i] ? 1 : 0;
  return count;
}

/// Until most nodes know, and then until the last does: Pittel's formula of 1987, which leaves out a
/// constant, for messages of which only some arrive. With some to spare, for chance may be unkind.
int estimate_rounds(const Group& group, double spare = 0) {
  const double arrives = (1 - group.drop / 100.0) * group.living / group.nodes;
  const double n = std::log(group.living);
  return static_cast<int>(n / std::log1p(arrives) + (n + spare) / arrives);
}

std::ptrdiff_t last_round(const Group& group) {
  return std::ranges::find(group.known, group.known.back()) - group.known.begin();
}

bool at_most_doubles(const Group& group) {
  const auto more = [](int before, int after) { return after > 2 * before; };
  return std::ranges::adjacent_find(group.known, more) == group.known.end();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"nodes", 1000, "nodes, of which one has news", {100, 10'000}},
                        {"drop", 20, "messages that are lost, in percent", {0, 50}},
                        {"kill", 50, "nodes that are dead, besides the first", {0, 50}},
                        {"seed", 1, "of whom nodes tell, and of what is lost", {0, 999}}});
  Group one(program), killed(program), all(program);
  const int turns = one.nodes - 1, rounds = estimate_rounds(all, 20);
  program.scene("one tells all", spread, one, turns, tell_in_turn, first_lives);
  program.scene("and is killed", spread, killed, turns, tell_in_turn, first_is_killed);
  program.scene("gossip", spread, all, rounds, tell_anyone, first_is_killed);

  pdc::check(count_without_news(one) == one.lost,
             "if one tells all, nodes whose message is lost never know", "{} nodes", one.lost);
  pdc::check(killed.known.back() <= 2, "if it is killed once another knows, no third ever does");
  pdc::check(!all.lives[first] && count_without_news(all) == 0,
             "with this seed, gossip tells all who live, although the first is killed",
             "after {} rounds, the formula gives {}", last_round(all), estimate_rounds(all));
  pdc::check(at_most_doubles(all) && std::ranges::max(all.sent) <= rounds,
             "with any seed, no node gossips twice in a round, so those who know at most double",
             "{} messages in {} rounds", std::ranges::max(all.sent), rounds);
  return program.finish();
}
