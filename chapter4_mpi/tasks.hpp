// SPDX-License-Identifier: MIT
#pragma once

#include "tiles.hpp"  // the steps, and what they compute

#include <set>
#include <vector>

struct Task {
  Step step;
  std::set<int> followers = {};  // tasks that wait for this one
  int waits_for = 0;             // so many tasks
};

using Tasks = std::vector<Task>;

/// Sees what the coordinator of task_graph.cpp does, and counts what is against the graph. It goes by
/// what has come back, not by the count that says what is ready.
class Witness {
 public:
  explicit Witness(const Tasks& graph);

  void sees_dealt(int number);  // marks a fault if that is too early
  void sees_done(int number);

  int dealt_once() const;  // tasks
  int too_early() const { return too_early_; }

 private:
  Tasks graph_;
  std::vector<int> dealt_;
  std::vector<bool> is_done_;
  int too_early_ = 0;
};

void draw(const Tasks& tasks);
