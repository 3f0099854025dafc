// SPDX-License-Identifier: MIT
#include "attacks.hpp"

#include <algorithm>
#include <array>
#include <numeric>

using raft::Node;

namespace {

constexpr int clients = 3, keys = 2;
constexpr int calm = 40;         // ticks between two attacks, on average
constexpr int patience = 1'500;  // ticks until the last answer, when all is repaired

/// Asks one thing after the other, of one node after the other, until it has the answer.
struct Client {
  Command asked = {};
  bool waits = false;
  Node node = 0;
  int next = 0;  // tick
};

class Ride {
 public:
  Ride(const Storm& storm, raft::CommitRule rule)
      : storm_(storm),
        length_(calm * (1 + storm.kills + storm.partitions + storm.full_disks)),
        cluster_(storm.nodes, rule, static_cast<unsigned>(storm.seed)) {}

  Evidence go() {
    cluster_.set_weather(storm_.weather);
    plan(storm_.kills, [this] { kill_one(); });
    plan(storm_.partitions, [this] { split(); });
    plan(storm_.full_disks, [this] { fill_disk(); });
    while (cluster_.now() < length_) pass(2 * length_ * clients / storm_.requests);
    cluster_.set_weather({});
    cluster_.heal();
    for (Node node = 0; node < storm_.nodes; ++node) repair(node);
    while (!is_over() && cluster_.now() < length_ + patience) pass(1);
    for (int i = 0; i < 3 * raft::Raft::heartbeat; ++i) pass(1);
    return cluster_.evidence();
  }

 private:
  void plan(int times, const std::function<void()>& what) {
    for (int i = 0; i < times; ++i) cluster_.after(cluster_.choose(length_), what);
  }

  /// The leader, if there is one.
  Node choose_victim() {
    for (Node node = 0; node < storm_.nodes; ++node)
      if (cluster_.role(node) == raft::Role::leader) return node;
    return cluster_.choose(storm_.nodes);
  }

  void repair(Node node) {
    cluster_.repair_disk(node);
    cluster_.start(node);
  }

  void kill_one() {
    const Node node = choose_victim();
    cluster_.kill(node);
    cluster_.after(10 + cluster_.choose(calm), [=, this] { repair(node); });
  }

  void fill_disk() {
    const Node node = choose_victim();
    cluster_.fill_disk(node, cluster_.choose(100));
    cluster_.after(10 + cluster_.choose(calm), [=, this] { repair(node); });
  }

  void split() {
    std::vector<int> sides;
    for (Node node = 0; node < storm_.nodes; ++node) sides.push_back(cluster_.choose(2));
    const Node victim = choose_victim();
    sides[(victim + 1) % storm_.nodes] = 1;
    sides[victim] = 0;
    cluster_.split(sides);
    cluster_.after(10 + cluster_.choose(calm), [this] { cluster_.heal(); });
  }

  void pass(int longest_pause) {
    std::vector<Node> order(storm_.nodes);
    std::iota(order.begin(), order.end(), 0);
    for (int i = storm_.nodes; i > 1; --i) std::swap(order[i - 1], order[cluster_.choose(i)]);
    for (const Node node : order) cluster_.tick(node);
    for (int i = 0; i < clients; ++i) go_on(i, clients_[i], longest_pause);
    cluster_.pass();
  }

  void go_on(int number, Client& client, int longest_pause) {
    if (client.waits && cluster_.is_answered(client.asked)) {
      client.waits = false;
      client.next = cluster_.now() + cluster_.choose(longest_pause);
    }
    if (cluster_.now() < client.next || (!client.waits && asked_ == storm_.requests)) return;
    if (client.waits) {
      client.node = (client.node + 1) % storm_.nodes;  // perhaps that one leads
    } else {
      ++asked_;
      client.asked = cluster_.choose(2) == 0 ? put(number, asked_) : get(number, asked_);
      client.asked.key = cluster_.choose(keys);
      client.waits = true;
    }
    cluster_.request(client.node, client.asked);
    client.next = cluster_.now() + 10 + cluster_.choose(10);
  }

  bool is_over() const {
    return asked_ == storm_.requests && std::ranges::none_of(clients_, &Client::waits);
  }

  const Storm storm_;
  const int length_;
  Cluster cluster_;
  std::array<Client, clients> clients_ = {};
  int asked_ = 0;
};

/// Figure 8 of the paper: an entry of an earlier term is on a majority, and is overwritten.
Evidence overwrite_older_entry(raft::CommitRule rule) {
  Cluster cluster(5, rule);
  cluster.elect(0);
  cluster.split({0, 0, 1, 1, 1});
  cluster.ask(0, put(0, 1));  // on 0 and 1
  cluster.kill(0);
  cluster.split({0, 1, 2, 2, 2});
  cluster.elect(4);
  cluster.split({0, 1, 2, 3, 4});
  cluster.ask(4, put(0, 2));  // on 4, in a later term
  cluster.kill(4);
  cluster.start(0);
  cluster.heal();
  cluster.elect(0);  // on all but 4: entry 1, of an earlier term
  cluster.kill(0);
  cluster.start(4);
  cluster.elect(4);  // its entry is of a later term
  cluster.ask(4, put(0, 3));
  return cluster.evidence();
}

/// A node votes, is killed, and is asked for its vote in the same term by another one.
Evidence ask_twice_for_vote(raft::CommitRule rule) {
  Cluster cluster(3, rule);
  cluster.split({0, 0, 1});
  cluster.elect(0);
  cluster.kill(1);
  cluster.start(1);
  cluster.split({0, 1, 1});
  cluster.elect(2);  // asks 1, in a term in which 1 has voted for 0
  return cluster.evidence();
}

/// A node that has missed what was acknowledged wants to lead.
Evidence elect_who_missed_it(raft::CommitRule rule) {
  Cluster cluster(3, rule);
  cluster.elect(0);
  cluster.split({0, 0, 1});
  cluster.ask(0, put(0, 1));
  cluster.kill(0);
  cluster.heal();
  cluster.elect(2);  // in vain: 1 knows better
  cluster.ask(2, put(0, 2));
  cluster.elect(1);
  cluster.ask(1, put(0, 3));
  return cluster.evidence();
}

/// A node that the leader needs for a majority cannot write what it is sent.
Evidence fill_disk_of_follower(raft::CommitRule rule) {
  Cluster cluster(3, rule);
  cluster.elect(0);
  cluster.split({0, 0, 1});
  cluster.fill_disk(1, 0);
  cluster.ask(0, put(0, 1));  // 1 cannot write it, so 0 does not hear that it has
  return cluster.evidence();
}

/// A command comes a second time, when others have been executed in between.
Evidence bring_it_twice(raft::CommitRule rule) {
  Cluster cluster(3, rule);
  cluster.elect(0);
  for (const Command& command : {put(0, 1), put(1, 2), put(0, 1), get(2, 3)})
    cluster.ask(0, command);
  return cluster.evidence();
}

}  // namespace

std::vector<Evidence> attack_each_rule(raft::CommitRule rule) {
  return {overwrite_older_entry(rule), ask_twice_for_vote(rule), elect_who_missed_it(rule),
          fill_disk_of_follower(rule), bring_it_twice(rule)};
}

Evidence ride_out(const Storm& storm, raft::CommitRule rule) {
  return Ride(storm, rule).go();
}
