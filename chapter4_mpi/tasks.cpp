// SPDX-License-Identifier: MIT
#include "tasks.hpp"

#include "pdc/graph.hpp"
#include "pdc/timeline.hpp"

#include <algorithm>

Witness::Witness(const Tasks& graph)
    : graph_(graph), dealt_(graph.size()), is_done_(graph.size()) {}

void Witness::sees_dealt(int number) {
  ++dealt_[number];
  for (int i = 0; i < number; ++i) {
    if (!graph_[i].followers.contains(number) || is_done_[i]) continue;
    ++too_early_;
    pdc::fault("too early");
    return;
  }
}

void Witness::sees_done(int number) {
  is_done_[number] = true;
}

int Witness::dealt_once() const {
  return static_cast<int>(std::ranges::count(dealt_, 1));
}

void draw(const Tasks& tasks) {
  std::vector<pdc::Edge> edges;
  for (const Task& task : tasks) {
    for (const int follower : task.followers)
      edges.push_back({task.step.name, tasks[follower].step.name});
  }
  pdc::draw_graph("the graph", edges);
}
