// Gossip: each node that has the news tells one other in each round, until all have it.
//
// Concept   One node tells all others. A node whose message is lost never knows; if the teller is
//           killed, none of the rest does. With gossip, each node that knows tells one other in each
//           round, any one. So those who know nearly double each time, and all know after about
//           log n rounds, whatever is lost, whoever is killed. It takes many more messages.
// Shows     std::mt19937, std::vector, std::ranges::count
// Python    random.choice
// Run       gossip --nodes 1000 --drop 20 --kill 50 --seed 1
// You see   nodes that never know; one that knows, and tells nobody; all of them after 24 rounds
// Next      heartbeat notices that a node has gone

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <random>
#include <ranges>
#include <thread>
#include <vector>

namespace {

constexpr int first = 0;    // has the news from somewhere else
constexpr int watched = 5;  // nodes in the picture

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

/// Wrong on purpose: all depends on one node, and on each message.
Messages tell_in_turn(Group& group, int round) {
  if (!group.lives[first]) return {};
  return {{first, round}};
}

/// No node knows which others live, or know already.
Messages tell_anyone(Group& group, int) {
  Messages messages;
  for (int node = 0; node < group.nodes; ++node) {
    if (!group.lives[node] || !group.knows[node]) continue;
    const int ahead = 1 + static_cast<int>(group.random() % (group.nodes - 1));  // not itself
    messages.emplace_back(node, (node + ahead) % group.nodes);
  }
  return messages;
}

using Tell = decltype(tell_anyone);

void deliver(Group& group, int from, int to) {
  ++group.sent[from];
  const bool is_lost = group.random() % 100 < group.drop;
  if (!group.lives[to]) return;
  if (is_lost) ++group.lost;
  if (!is_lost) group.knows[to] = true;
}

void draw(const Group& group, const std::vector<pdc::Lane>& lanes) {
  std::vector<pdc::Span> now;
  for (int node = 0; const pdc::Lane& lane : lanes) {
    if (group.lives[node]) now.push_back(group.knows[node] ? lane.hold("news") : lane.wait("news"));
    node += group.living / watched;
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // for the picture alone: a round
}

enum Fate { first_lives, first_is_killed };  // as soon as another one knows

void spread(Group& group, int rounds, Tell* tell, Fate fate) {
  std::vector<pdc::Lane> lanes;
  for (int node = 0; node < group.living; node += group.living / watched)
    lanes.push_back(pdc::Lane("node {}", node));
  for (int round = 1; round <= rounds; ++round) {
    if (round <= 30) draw(group, lanes);
    for (const auto& [from, to] : tell(group, round)) deliver(group, from, to);
    group.known.push_back(static_cast<int>(std::ranges::count(group.knows, true)));
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

/// About as many as Pittel found in 1987, if each message arrives with this probability: until most
/// nodes know, and until the last one does. With some to spare, for chance may be unkind.
int expect_rounds(const Group& group, double spare = 0) {
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
                        {"kill", 50, "nodes that are dead, besides the first", {0, 90}},
                        {"seed", 1, "of whom nodes tell, and of what is lost", {0, 999}}});
  Group one(program), killed(program), all(program);
  const int turns = one.nodes - 1, rounds = expect_rounds(all, 20);
  program.scene("one tells all", spread, one, turns, tell_in_turn, first_lives);
  program.scene("and is killed", spread, killed, turns, tell_in_turn, first_is_killed);
  program.scene("gossip", spread, all, rounds, tell_anyone, first_is_killed);

  pdc::check(count_without_news(one) == one.lost,
             "if one tells all, nodes whose message is lost never know", "{} nodes", one.lost);
  pdc::check(killed.known.back() <= 2, "if it is killed once another knows, no third ever does");
  pdc::check(count_without_news(all) == 0,
             "with this seed, gossip tells all who live, although the first is killed",
             "after {} rounds, about {} are expected", last_round(all), expect_rounds(all));
  pdc::check(at_most_doubles(all) && std::ranges::max(all.sent) <= rounds,
             "with any seed, no node gossips twice in a round, so those who know at most double",
             "{} messages, not {}", std::ranges::max(all.sent), turns);
  return program.finish();
}
