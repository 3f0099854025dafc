// SPDX-License-Identifier: MIT
#include "raft.hpp"

#include "rules.hpp"

#include <gtest/gtest.h>

namespace raft {
namespace {

Raft make(int nodes = 3, Durable durable = {}, Node self = 0) {
  return {self, nodes, std::move(durable), majority, 1};
}

/// Until it stands for election.
Step wait_in_vain(Raft& node) {
  for (int i = 0; i < 2 * Raft::shortest_wait; ++i) {
    Step step = node.tick();
    if (step.write) return step;
  }
  return {};
}

Message vote(Node from, Term term, bool granted = true) {
  return {Kind::vote, from, 0, term, 0, 0, 0, granted};
}

Message request(Node from, Term term, Index index, Term log_term) {
  return {Kind::request_vote, from, 0, term, index, log_term};
}

Message entries(Term term, Index before, Term log_term, std::vector<Entry> all, Index commit = 0) {
  return {Kind::append_entries, 1, 0, term, before, log_term, commit, true, std::move(all)};
}

Message appended(Node from, Term term, Index index, bool success = true) {
  return {Kind::appended, from, 0, term, index, 0, 0, success};
}

Raft make_leader(Durable durable = {}, int nodes = 3) {
  Raft node = make(nodes, std::move(durable));
  wait_in_vain(node);
  for (Node from = 1; from <= nodes / 2; ++from) node.receive(vote(from, node.term()));
  return node;
}

TEST(Election, BeginsWhenThereIsNoLeader) {
  Raft node = make();
  int ticks = 0;
  Step step;
  while (!step.write) {
    step = node.tick();
    ++ticks;
  }
  EXPECT_GE(ticks, Raft::shortest_wait);
  EXPECT_LT(ticks, 2 * Raft::shortest_wait);
  EXPECT_EQ(step.write->term, 1);
  EXPECT_EQ(step.write->vote, 0);
  ASSERT_EQ(step.send.size(), 2U);
  EXPECT_EQ(step.send[0].kind, Kind::request_vote);
  EXPECT_EQ(node.role(), Role::candidate);
}

TEST(Election, IsWonByAMajorityOfDifferentVoters) {
  Raft node = make(5);
  wait_in_vain(node);
  node.receive(vote(1, 1));
  node.receive(vote(1, 1));
  node.receive(vote(2, 1, false));
  node.receive(vote(3, 0));  // of an earlier term
  EXPECT_EQ(node.role(), Role::candidate);
  node.receive(vote(4, 1));
  EXPECT_EQ(node.role(), Role::leader);
}

TEST(Election, OfOneNodeIsWonAtOnce) {
  Raft node = make(1);
  wait_in_vain(node);
  EXPECT_EQ(node.role(), Role::leader);
  const Step step = node.propose("a");
  ASSERT_EQ(step.execute.size(), 1U);
  EXPECT_TRUE(step.write);
}

TEST(Vote, IsGivenOnceInATermAndWritten) {
  Raft node = make();
  const Step first = node.receive(request(1, 3, 0, 0));
  ASSERT_TRUE(first.write);
  EXPECT_EQ(first.write->vote, 1);
  EXPECT_EQ(first.write->term, 3);
  EXPECT_TRUE(first.send.at(0).success);
  EXPECT_FALSE(node.receive(request(2, 3, 9, 3)).send.at(0).success);
  EXPECT_TRUE(node.receive(request(1, 3, 0, 0)).send.at(0).success);  // its message came twice
  EXPECT_TRUE(node.receive(request(2, 4, 9, 3)).send.at(0).success);
}

TEST(Vote, IsRememberedAfterAKill) {
  Durable durable;
  redo(durable, *make().receive(request(1, 3, 0, 0)).write);
  Raft again = make(3, durable);
  EXPECT_FALSE(again.receive(request(2, 3, 9, 3)).send.at(0).success);
}

TEST(Vote, IsForALogThatHasAll) {
  const Durable durable{2, nobody, {{1, "a"}, {2, "b"}}};
  const auto votes = [&](Index index, Term term) {
    return make(3, durable).receive(request(1, 3, index, term)).send.at(0).success;
  };
  EXPECT_TRUE(votes(2, 2));
  EXPECT_TRUE(votes(3, 2));
  EXPECT_TRUE(votes(1, 3));
  EXPECT_FALSE(votes(1, 2));
  EXPECT_FALSE(votes(9, 1));
}

TEST(Vote, IsRefusedInAnEarlierTerm) {
  Raft node = make(3, {5, nobody, {}});
  const Step step = node.receive(request(1, 4, 9, 4));
  EXPECT_FALSE(step.send.at(0).success);
  EXPECT_EQ(step.send.at(0).term, 5);
  EXPECT_FALSE(step.write);
}

TEST(Leader, StepsDownInALaterTerm) {
  Raft node = make_leader();
  ASSERT_EQ(node.role(), Role::leader);
  const Step step = node.receive(appended(1, 7, 0, false));
  EXPECT_EQ(node.role(), Role::follower);
  ASSERT_TRUE(step.write);
  EXPECT_EQ(step.write->term, 7);
  EXPECT_EQ(step.write->vote, nobody);
}

TEST(Leader, CommitsWhatAMajorityHasWritten) {
  Raft node = make_leader({}, 5);
  const Step step = node.propose("a");
  EXPECT_TRUE(step.write);
  EXPECT_TRUE(step.execute.empty());
  EXPECT_EQ(step.send.size(), 4U);
  EXPECT_TRUE(node.receive(appended(1, 1, 1)).execute.empty());
  EXPECT_TRUE(node.receive(appended(1, 1, 1)).execute.empty());  // it came twice
  EXPECT_TRUE(node.receive(appended(2, 0, 1)).execute.empty());  // of another term
  EXPECT_EQ(node.receive(appended(3, 1, 1)).execute.size(), 1U);
  EXPECT_TRUE(node.receive(appended(4, 1, 1)).execute.empty());  // not again
}

TEST(Leader, DoesNotCountEntriesOfEarlierTerms) {
  Raft node = make_leader({2, nobody, {{2, "old"}}});
  EXPECT_EQ(node.term(), 3);
  EXPECT_TRUE(node.receive(appended(1, 3, 1)).execute.empty());
  node.propose("new");
  const Step step = node.receive(appended(1, 3, 2));
  ASSERT_EQ(step.execute.size(), 2U);
  EXPECT_EQ(step.execute[0].command, "old");
}

TEST(Leader, GoesBackUntilTheLogsMeet) {
  Raft node = make_leader({2, nobody, {{1, "a"}, {1, "b"}, {2, "c"}}});
  Step step = node.receive(appended(1, 3, 1, false));  // it has one entry
  ASSERT_EQ(step.send.size(), 1U);
  EXPECT_EQ(step.send[0].index, 1);
  EXPECT_EQ(step.send[0].entries.size(), 2U);
  step = node.receive(appended(1, 3, 0, false));
  EXPECT_EQ(step.send.at(0).index, 0);
  EXPECT_EQ(step.send.at(0).entries.size(), 3U);
  step = node.receive(appended(1, 3, 0, false));  // late: there is nothing before the first
  EXPECT_TRUE(step.send.empty());
}

TEST(Leader, TakesNoLateRefusalForMoreThanItIs) {
  Raft node = make_leader({2, nobody, {{1, "a"}, {1, "b"}, {2, "c"}}});
  node.receive(appended(1, 3, 3));
  EXPECT_TRUE(node.receive(appended(1, 3, 0, false)).send.empty());
}

TEST(Follower, RefusesWhatDoesNotFollow) {
  Raft node = make(3, {1, nobody, {{1, "a"}}});
  Step step = node.receive(entries(1, 3, 1, {{1, "d"}}));
  EXPECT_FALSE(step.send.at(0).success);
  EXPECT_EQ(step.send.at(0).index, 1);
  step = node.receive(entries(2, 1, 2, {{2, "b"}}));
  EXPECT_FALSE(step.send.at(0).success);
  EXPECT_EQ(step.send.at(0).index, 0);
  step = node.receive(entries(1, 1, 1, {{1, "b"}}));  // its leader is one no more
  EXPECT_FALSE(step.send.at(0).success);
  EXPECT_EQ(node.log().size(), 1U);
}

TEST(Follower, CutsOffWhatConflicts) {
  Raft node = make(3, {1, nobody, {{1, "a"}, {1, "b"}, {1, "c"}}});
  const Step step = node.receive(entries(2, 1, 1, {{2, "x"}}, 2));
  EXPECT_EQ(node.log(), (std::vector<Entry>{{1, "a"}, {2, "x"}}));
  EXPECT_EQ(step.send.at(0).index, 2);
  ASSERT_TRUE(step.write);
  EXPECT_EQ(step.write->kept, 1);
  EXPECT_EQ(step.write->added, (std::vector<Entry>{{2, "x"}}));
  EXPECT_EQ(step.execute.size(), 2U);
}

TEST(Follower, KeepsWhatALateMessageDoesNotHave) {
  Raft node = make();
  node.receive(entries(1, 0, 0, {{1, "a"}, {1, "b"}}));
  const Step step = node.receive(entries(1, 0, 0, {{1, "a"}}));
  EXPECT_EQ(node.log().size(), 2U);
  EXPECT_FALSE(step.write);
  EXPECT_EQ(step.send.at(0).index, 1);
}

TEST(Follower, ExecutesNoMoreThanItHasInCommonWithTheLeader) {
  Raft node = make(3, {1, nobody, {{1, "a"}, {1, "old"}}});
  const Step step = node.receive(entries(2, 1, 1, {}, 2));
  EXPECT_EQ(step.execute.size(), 1U);
}

TEST(Follower, TakesNoCommands) {
  const Step step = make().propose("a");
  EXPECT_FALSE(step.write);
  EXPECT_TRUE(step.send.empty());
}

TEST(Follower, DoesNotStandWhileALeaderBeats) {
  Raft node = make();
  for (int i = 0; i < 10 * Raft::shortest_wait; ++i) {
    if (i % Raft::heartbeat == 0) node.receive(entries(1, 0, 0, {}));
    EXPECT_TRUE(node.tick().send.empty());
  }
}

TEST(Record, MakesWhatWasKnown) {
  Raft node = make();
  Durable durable;
  for (const Message& message :
       {entries(1, 0, 0, {{1, "a"}, {1, "b"}}), entries(2, 1, 1, {{2, "c"}}), request(2, 3, 9, 3),
        entries(3, 2, 2, {{3, "d"}})}) {
    const Step step = node.receive(message);
    if (step.write) redo(durable, *step.write);
  }
  EXPECT_EQ(durable.log, node.log());
  EXPECT_EQ(durable.term, 3);
  EXPECT_EQ(durable.vote, 2);
}

TEST(Batch, IsNoLongerThanAMessage) {
  Durable durable{1, nobody, {}};
  for (Index i = 0; i < 3 * Raft::batch; ++i) durable.log.push_back({1, "x"});
  Raft node = make_leader(durable);
  const Step step = node.receive(appended(1, 2, 0, false));
  EXPECT_EQ(step.send.at(0).entries.size(), static_cast<std::size_t>(Raft::batch));
}

}  // namespace
}  // namespace raft
