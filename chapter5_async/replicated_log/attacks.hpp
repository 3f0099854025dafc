// SPDX-License-Identifier: MIT
#pragma once

#include "cluster.hpp"

/// What can go wrong, by a script: each attack breaks a cluster that leaves one rule out.

/// Figure 8 of the paper: an entry of an earlier term is on a majority, and is overwritten.
Evidence overwrite_older_entry(raft::CommitRule rule);
/// A node votes, is killed, and is asked for its vote in the same term by another one.
Evidence ask_twice_for_vote(raft::CommitRule rule);
/// A node that has missed what was acknowledged wants to lead.
Evidence elect_who_missed_it(raft::CommitRule rule);
/// A command comes a second time, when others have been executed in between.
Evidence bring_it_twice(raft::CommitRule rule);

/// And by chance.
struct Storm {
  int nodes, seed;
  Weather weather;
  int kills, partitions, full_disks;  // so many attacks, each for a while
  int requests;
};

/// When all is over, all is repaired, and the clients go on until they have their answers.
Evidence ride_out(const Storm& storm, raft::CommitRule rule);
