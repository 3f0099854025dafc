// Replicated log: nodes that fail keep one log, and what a majority has written is never lost.
//
// Concept   Nodes elect a leader. It appends the clients' commands to a log, which the others copy;
//           all execute them in that order. What the leader acknowledges when it alone has written
//           it, can go with the leader. What a majority has written, every later leader has: two
//           majorities have a node in common, and no node votes for a candidate whose log is older
//           than its own. This is Raft, its elections and its log.
// Shows     std::ranges::nth_element, std::ranges::max
// Python    PySyncObj
// Run       replicated_log --kill 1 --partition 1
// You see   an acknowledged command, lost with its leader; under the same attack, one that is kept
// Next      journal is what each node does alone; at_least_once says why clients ask again

// SPDX-License-Identifier: MIT
#include "attacks.hpp"

#include "pdc/program.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace {

using raft::Index;

/// Wrong on purpose: what one node has written is committed. The leader has written all.
Index written_by_one(std::vector<Index> written) {
  return std::ranges::max(written);
}

/// So far a majority has written all: more than half of the nodes have at least that.
Index written_by_majority(std::vector<Index> written) {
  const auto middle = written.begin() + static_cast<std::ptrdiff_t>(written.size() / 2);
  std::ranges::nth_element(written, middle, std::greater());
  return *middle;
}

/// Node 0 leads, has written put 2, which the others do not hear, and is killed.
Evidence kill_leader(raft::CommitRule rule) {
  Cluster cluster(3, rule, 1, Drawn::yes);
  cluster.elect(0);
  cluster.ask(0, put(0, 1));
  cluster.split({0, 1, 1});
  cluster.ask(0, put(0, 2));
  cluster.kill(0);
  cluster.heal();
  cluster.elect(1);
  if (!cluster.is_answered(put(0, 2))) cluster.ask(1, put(0, 2));
  cluster.start(0);
  cluster.ask(1, put(0, 3));
  cluster.beat(1);
  const Evidence evidence = cluster.evidence();
  if (evidence.lost > 0) pdc::fault("acknowledged, lost");
  return evidence;
}

/// Node 0 leads, and is cut off from the others, though not from clients. It does not know that 1
/// leads. `told`: how much it acknowledges meanwhile.
Evidence cut_leader_off(raft::CommitRule rule, int& told) {
  Cluster cluster(3, rule, 1, Drawn::yes);
  cluster.elect(0);
  cluster.ask(0, put(0, 1));
  cluster.split({0, 1, 1});
  cluster.ask(0, put(0, 2));
  cluster.elect(1);
  cluster.ask(1, put(1, 3));
  cluster.ask(0, get(1, 4));
  told = cluster.is_answered(put(0, 2)) + cluster.is_answered(get(1, 4));
  cluster.heal();
  cluster.beat(1);  // now 0 follows, and what it alone has written goes
  cluster.ask(1, put(0, 2));
  return cluster.evidence();
}

Storm read_storm(const pdc::Program& program) {
  const auto of = [&](const char* option) { return program.integer(option); };
  return {of("nodes"),     of("seed"),    {of("drop"), of("delay")}, of("kill"), of("partition"),
          of("full-disk"), of("requests")};
}

void check_leader(const Evidence& alone, const Evidence& kept, int told) {
  pdc::check(alone.answered() == 3 && alone.lost == 1,
             "acknowledged when its leader has written it, a command is lost with the leader",
             "{} of {}", alone.lost, alone.answered());
  pdc::check(kept.answered() == 3 && kept.lost == 0,
             "acknowledged when a majority has written it, it outlives the leader", "{} of {}",
             kept.answered() - kept.lost, kept.answered());
  pdc::check(told == 0, "a leader that is cut off acknowledges nothing", "{} of 2", told);
}

void check_safety(const std::vector<Evidence>& runs) {
  int most = 0, terms = 0, disagreements = 0, entries = 0, lost = 0, answered = 0, good = 0;
  for (const Evidence& run : runs) {
    most = std::max(most, run.most_leaders());
    terms += static_cast<int>(run.leaders.size());
    disagreements += run.disagreements;
    entries += static_cast<int>(run.executed.size());
    lost += run.lost;
    answered += run.answered();
    good += is_linearizable(run.history) ? 1 : 0;
  }
  pdc::check(most == 1, "no term has two leaders", "{} terms", terms);
  pdc::check(disagreements == 0, "all nodes execute the same commands in the same order",
             "{} commands, {} others in their places", entries, disagreements);
  pdc::check(lost == 0, "a majority has in its files whatever was acknowledged", "{} of {}",
             answered - lost, answered);
  pdc::check(good == static_cast<int>(runs.size()),
             "each history is as if one store had answered, one request after the other",
             "{} of {} histories are linearizable", good, runs.size());
}

void check_answers(const Storm& storm, const Evidence& seen) {
  pdc::check(seen.answered() == storm.requests,
             "when all is repaired, every request has its answer",
             "{} of {}; killed {}, partitions {}, full disks {}", seen.answered(), storm.requests,
             seen.kills, seen.partitions, seen.full_disks);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"nodes", 3, "in the storm", {1, 7}},
       {"seed", 1, "of the storm", {0, 1'000'000}},
       {"drop", 5, "percent of all that is sent, and as much comes twice", {0, 90}},
       {"delay", 3, "ticks that it takes, at most", {1, 20}},
       {"kill", 1, "nodes that are killed", {0, 20}},
       {"partition", 1, "partitions", {0, 20}},
       {"full-disk", 1, "disks that are full", {0, 20}},
       {"requests", 30, "of three clients", {3, 300}}});
  int told = 0;

  const Evidence alone = program.scene("written by the leader", kill_leader, written_by_one);
  const Evidence kept = program.scene("written by a majority", kill_leader, written_by_majority);
  const Evidence cut =
      program.scene("the leader is cut off", cut_leader_off, written_by_majority, told);
  const Storm storm = read_storm(program);
  const Evidence chance = ride_out(storm, written_by_majority);
  std::vector<Evidence> runs = attack_each_rule(written_by_majority);
  runs.insert(runs.end(), {kept, cut, chance});

  check_leader(alone, kept, told);
  check_safety(runs);
  check_answers(storm, chance);
  return program.finish();
}
