// SPDX-License-Identifier: MIT
#pragma once

#include "history.hpp"
#include "node.hpp"

#include "pdc/program.hpp"

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

/// The nodes, and all around them, which the program plays: the network, the clock, the clients,
/// the attacks, in an order that a seed decides. What it sees of the nodes is the evidence.

struct Weather {
  int drop = 0;   // percent of all messages, requests and answers; as many come twice
  int delay = 1;  // ticks that they take, at most
};

struct Evidence {
  std::map<raft::Term, std::set<raft::Node>> leaders = {};
  std::map<raft::Index, std::string> executed = {};  // the first that a node has executed there
  int disagreements = 0;                             // another one has executed something else
  std::vector<Operation> history = {};
  int lost = 0;  // acknowledged, and not in the files of a majority
  int kills = 0, partitions = 0, full_disks = 0;

  int answered() const;
  int most_leaders() const;  // in one term
};

/// The two things that a client asks. The number is greater each time, and is what is put.
Command put(int client, int number);
Command get(int client, int number);

enum class Drawn { no, yes };

class Cluster {
 public:
  /// If it is drawn, a tick takes a millisecond, so that one can see the order.
  Cluster(int nodes, raft::CommitRule rule, unsigned seed = 1, Drawn drawn = Drawn::no);
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  void start(raft::Node node);
  void kill(raft::Node node);
  /// So many more bytes, and its disk is full, until it is repaired.
  void fill_disk(raft::Node node, int room);
  void repair_disk(raft::Node node);
  /// Those with the same number hear each other. Clients hear all.
  void split(std::vector<int> sides);
  void heal() { split(std::vector<int>(nodes_.size(), 0)); }
  void set_weather(Weather weather) { weather_ = weather; }

  void tick(raft::Node node) { step(node, {}); }
  void request(raft::Node node, const Command& command);
  /// Plans what happens after so many ticks.
  void after(int ticks, std::function<void()> what);
  /// Lets one tick pass: what is due then, happens.
  void pass();

  /// For attacks that follow a script. Until nothing is under way.
  void settle();
  void ask(raft::Node node, const Command& command);
  /// Lets this node alone wait in vain, until it leads or has stood for election three times.
  void elect(raft::Node node);
  /// Lets the leader tell the others what is committed.
  void beat(raft::Node leader);

  bool is_up(raft::Node node) const { return nodes_[node].child.has_value(); }
  raft::Role role(raft::Node node) const { return nodes_[node].role; }
  bool is_answered(const Command& command) const;
  raft::Durable file(raft::Node node) const { return read_file(nodes_[node].file); }
  int now() const { return now_; }
  /// An even choice among so many.
  int choose(int count) { return static_cast<int>(random_() % static_cast<unsigned>(count)); }
  Evidence evidence() const;

 private:
  struct Process {
    pdc::Descriptor file;
    std::optional<pdc::Lane> lane;
    pdc::Descriptor socket = {};
    std::optional<pdc::Child> child = {};
    raft::Role role = raft::Role::follower;
    raft::Term term = 0;
    std::optional<pdc::Span> reign = {};
    raft::Index appended = 0;  // as it has told a leader
    bool is_full = false;
  };

  void step(raft::Node node, const Input& input);
  void bury(raft::Node node, int status, int signal);
  void note(raft::Node node, const Report& report);
  const std::optional<pdc::Lane>& lane(raft::Node node) const;
  bool is_cut_off(raft::Node from, raft::Node to) const;
  void carry(const std::string& what, raft::Node from, raft::Node to, std::function<void()> arrive);
  void hear(const Answer& answer);
  int count_lost() const;

  const raft::CommitRule rule_;
  const bool is_drawn_;
  std::mt19937 random_;
  Weather weather_ = {};
  std::optional<pdc::Lane> clients_;
  std::deque<Process> nodes_ = {};
  std::vector<int> sides_;
  std::multimap<int, std::function<void()>> plan_ = {};
  int now_ = 0, moment_ = 0, carried_ = 0;
  std::map<std::pair<int, int>, std::size_t> asked_ = {};  // client, number: place in the history
  std::vector<Command> commands_ = {};                     // of the history
  Evidence seen_ = {};
};
