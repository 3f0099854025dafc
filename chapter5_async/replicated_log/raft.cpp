// SPDX-License-Identifier: MIT
#include "raft.hpp"

#include <algorithm>
#include <utility>

namespace raft {

void redo(Durable& durable, const Record& record) {
  durable.term = record.term;
  durable.vote = record.vote;
  durable.log.resize(static_cast<std::size_t>(record.kept));
  durable.log.insert(durable.log.end(), record.added.begin(), record.added.end());
}

Raft::Raft(Node self, int nodes, Durable durable, CommitRule rule, unsigned seed)
    : self_(self),
      nodes_(nodes),
      rule_(rule),
      random_(seed),
      durable_(std::move(durable)),
      kept_(last_index()) {
  wait_for_leader();
}

Step Raft::tick() {
  --patience_;
  if (patience_ <= 0) {
    if (role_ == Role::leader)
      send_entries_to_all();  // as a heartbeat, even if there are none
    else
      stand_for_election();
  }
  return take_step();
}

Step Raft::receive(const Message& message) {
  if (message.term > durable_.term) {  // "rules for all servers"
    begin_term(message.term, nobody);
    if (role_ == Role::leader) wait_for_leader();  // for another one
    role_ = Role::follower;
  }
  switch (message.kind) {
    case Kind::request_vote:
      answer_candidate(message);
      break;
    case Kind::vote:
      count_vote(message);
      break;
    case Kind::append_entries:
      take_entries(message);
      break;
    case Kind::appended:
      note_appended(message);
      break;
  }
  return take_step();
}

Step Raft::propose(std::string command) {
  if (role_ == Role::leader) {
    append({durable_.term, std::move(command)});
    match_[self_] = last_index();
    send_entries_to_all();
    commit_what_counts();
  }
  return take_step();
}

// Elections: sections 5.2 and 5.4.1.

void Raft::begin_term(Term term, Node vote) {
  durable_.term = term;
  durable_.vote = vote;
  changed_ = true;
}

/// At random, so that two seldom stand at the same moment.
void Raft::wait_for_leader() {
  patience_ = shortest_wait + static_cast<int>(random_() % shortest_wait);
}

void Raft::stand_for_election() {
  role_ = Role::candidate;
  begin_term(durable_.term + 1, self_);
  votes_ = {self_};
  wait_for_leader();
  for (Node to = 0; to < nodes_; ++to)
    if (to != self_)
      send_.push_back(
          {Kind::request_vote, self_, to, durable_.term, last_index(), term_at(last_index())});
  if (nodes_ == 1) lead();
}

void Raft::answer_candidate(const Message& request) {
  const bool up_to_date =
      std::pair(request.log_term, request.index) >= std::pair(term_at(last_index()), last_index());
  const bool is_free = durable_.vote == nobody || durable_.vote == request.from;
  const bool granted = request.term == durable_.term && is_free && up_to_date;
  if (granted) {
    begin_term(durable_.term, request.from);
    wait_for_leader();
  }
  send_.push_back({Kind::vote, self_, request.from, durable_.term, 0, 0, 0, granted});
}

void Raft::count_vote(const Message& vote) {
  if (role_ != Role::candidate || vote.term != durable_.term || !vote.success) return;
  votes_.insert(vote.from);  // the same one twice is one vote
  if (2 * static_cast<int>(votes_.size()) > nodes_) lead();
}

void Raft::lead() {
  role_ = Role::leader;
  next_.assign(nodes_, last_index() + 1);
  match_.assign(nodes_, 0);
  match_[self_] = last_index();
  send_entries_to_all();
}

// The log: sections 5.3 and 5.4.2.

void Raft::send_entries_to_all() {
  patience_ = heartbeat;
  for (Node to = 0; to < nodes_; ++to)
    if (to != self_) send_entries(to);
}

/// From the first one on that `to` is not known to have, as many as fit.
void Raft::send_entries(Node to) {
  const Index before = next_[to] - 1;
  const auto first = durable_.log.begin() + before;
  const auto count = std::min(last_index() - before, batch);
  send_.push_back({Kind::append_entries,
                   self_,
                   to,
                   durable_.term,
                   before,
                   term_at(before),
                   commit_,
                   true,
                   {first, first + count}});
}

void Raft::take_entries(const Message& request) {
  Message result{Kind::appended, self_, request.from, durable_.term, 0, 0, 0, false};
  if (request.term == durable_.term) {
    role_ = Role::follower;  // a candidate has lost the election
    wait_for_leader();
    result.index = std::min(request.index - 1, last_index());  // try there
    if (term_at(request.index) == request.log_term) {
      Index index = request.index;
      for (const Entry& entry : request.entries) {
        ++index;
        if (index <= last_index() && term_at(index) != entry.term) truncate(index - 1);
        if (index > last_index()) append(entry);
      }
      result.success = true;
      result.index = index;
      commit_ = std::max(commit_, std::min(request.commit, index));
    }
  }
  send_.push_back(std::move(result));
}

void Raft::note_appended(const Message& result) {
  if (role_ != Role::leader || result.term != durable_.term) return;
  Index& match = match_[result.from];
  Index& next = next_[result.from];
  if (result.success) {
    match = std::max(match, std::min(result.index, last_index()));  // a late result says less
    next = match + 1;
    commit_what_counts();
  } else {
    const Index further_back = std::max(match, std::min(next - 2, result.index)) + 1;
    if (further_back >= next) return;  // a late result, which is known
    next = further_back;
    send_entries(result.from);
  }
}

void Raft::commit_what_counts() {
  const Index counted = rule_(match_);
  const bool is_own = term_at(counted) == durable_.term;  // older ones do not count: figure 8
  if (is_own) commit_ = std::max(commit_, counted);
}

Term Raft::term_at(Index index) const {
  if (index > last_index()) return -1;  // as no entry has
  return index == 0 ? 0 : durable_.log[static_cast<std::size_t>(index - 1)].term;
}

void Raft::truncate(Index kept) {
  durable_.log.resize(static_cast<std::size_t>(kept));
  kept_ = std::min(kept_, kept);
  changed_ = true;
}

void Raft::append(Entry entry) {
  durable_.log.push_back(std::move(entry));
  changed_ = true;
}

Step Raft::take_step() {
  const auto at = [&](Index index) { return durable_.log.begin() + index; };
  commit_ = std::min(commit_, last_index());  // unless safety is broken, it never is beyond
  applied_ = std::min(applied_, commit_);
  Step step;
  if (changed_)
    step.write = Record{durable_.term, durable_.vote, kept_, {at(kept_), durable_.log.end()}};
  changed_ = false;
  kept_ = last_index();
  step.send = std::exchange(send_, {});
  step.execute.assign(at(applied_), at(commit_));
  step.first = applied_ + 1;
  applied_ = commit_;
  return step;
}

}  // namespace raft
