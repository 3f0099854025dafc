// SPDX-License-Identifier: MIT
#pragma once

#include "cluster.hpp"

#include <vector>

/// What can go wrong, by a script: each attack breaks a cluster that leaves one rule out.
std::vector<Evidence> attack_each_rule(raft::CommitRule rule);

/// And by chance.
struct Storm {
  int nodes, seed;
  Weather weather;
  int kills, partitions, full_disks;  // so many attacks, each for a while
  int requests;
};

/// When all is over, all is repaired, and the clients go on until they have their answers.
Evidence ride_out(const Storm& storm, raft::CommitRule rule);
