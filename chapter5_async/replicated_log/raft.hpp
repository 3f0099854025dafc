// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

/// Raft's election and log (Diego Ongaro and John Ousterhout, In Search of an Understandable
/// Consensus Algorithm, 2014, figure 2), without snapshots and without changes of membership. It
/// takes a tick, a message or a command, and says what is to be written, sent, executed. It has no
/// clock, no socket, no file and no thread, so a test can play all of them.
namespace raft {

using Term = std::int64_t;   // each has one leader at most
using Index = std::int64_t;  // of an entry: the first one's is 1, and 0 is before all
using Node = int;            // they are numbered from 0
constexpr Node nobody = -1;

struct Entry {
  Term term;
  std::string command;

  bool operator==(const Entry&) const = default;
};

/// What a node must not forget: "persistent state on all servers".
struct Durable {
  Term term = 0;
  Node vote = nobody;  // in that term
  std::vector<Entry> log = {};
};

/// A change of it: one record of the node's file.
struct Record {
  Term term = 0;
  Node vote = nobody;
  Index kept = 0;  // so many entries stay as they are, and all after them go
  std::vector<Entry> added = {};
};

/// With all records of a file, in order, it restores what the node knew when it was killed.
void redo(Durable& durable, const Record& record);

enum class Kind { request_vote, vote, append_entries, appended };

/// Both remote calls of the paper, and their results. They may be lost, late, or come twice.
struct Message {
  Kind kind;
  Node from, to;
  Term term;
  Index index = 0;  // lastLogIndex; prevLogIndex; of `appended`: so far it has what the leader has
  Term log_term = 0;    // lastLogTerm; prevLogTerm
  Index commit = 0;     // leaderCommit
  bool success = true;  // voteGranted; success
  std::vector<Entry> entries = {};
};

/// What the node has to do now, in this order. If it cannot write, it does nothing of it, and ends.
struct Step {
  std::optional<Record> write = {};
  std::vector<Message> send = {};
  std::vector<Entry> execute = {};  // committed: each index once, in order, since the node's start
  Index first = 0;                  // the index of the first of these
};

enum class Role { follower, candidate, leader };

/// Takes the last entry that each node has written, and says up to which one all are committed.
using CommitRule = Index (*)(std::vector<Index> written);

/// Thread safety: as that of a vector. Errors: none.
class Raft {
 public:
  static constexpr int heartbeat = 3;       // ticks
  static constexpr Index batch = 32;        // entries in one message, at most
  static constexpr int shortest_wait = 10;  // for a leader; at random, less than twice as long

  /// Requires: `durable` is all that this node has ever written; nodes > self.
  Raft(Node self, int nodes, Durable durable, CommitRule rule, unsigned seed);

  Step tick();
  Step receive(const Message& message);
  /// Only a leader takes a command; others have nothing to do. It may be lost until it is executed.
  Step propose(std::string command);

  Role role() const { return role_; }
  Term term() const { return durable_.term; }
  Index committed() const { return commit_; }
  const std::vector<Entry>& log() const { return durable_.log; }

 private:
  Index last_index() const { return static_cast<Index>(durable_.log.size()); }
  Term term_at(Index index) const;

  void begin_term(Term term, Node vote);
  void wait_for_leader();
  void stand_for_election();
  void answer_candidate(const Message& request);
  void count_vote(const Message& vote);
  void lead();
  void send_entries(Node to);
  void send_entries_to_all();
  void take_entries(const Message& request);
  void note_appended(const Message& result);
  void commit_what_counts();
  void truncate(Index kept);
  void append(Entry entry);
  Step take_step();

  const Node self_;
  const int nodes_;
  const CommitRule rule_;
  std::mt19937 random_;

  Durable durable_;
  bool changed_ = false;  // since the last step, and up to `kept_` the log has not
  Index kept_;

  Role role_ = Role::follower;
  int patience_ = 0;  // ticks until the next heartbeat or election
  Index commit_ = 0, applied_ = 0;
  std::set<Node> votes_;             // of a candidate
  std::vector<Index> next_, match_;  // of a leader: for each node, itself included

  std::vector<Message> send_;
};

}  // namespace raft
