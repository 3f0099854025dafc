// Work span: how much there is to do, and how much of it has to be done in turn.
//
// Concept   The work is all steps. The span is the longest path among them: steps of which each needs
//           the one before. No number of workers takes less time than the span, so work by span, the
//           parallelism, is how many times as fast it can become. If none rests while a step is
//           ready, p workers take at most the span and a p-th of all other steps: Brent's bound.
// Shows     tbb::task_group, tbb::concurrent_vector
// Run       work_span --n 16
// You see   work and span of tasks that wait too early and at the end, and what more workers gain
// Next      parallelization predicts the gain from times, and not from steps

// SPDX-License-Identifier: MIT
#include "pdc/plot.hpp"
#include "pdc/program.hpp"

#include <tbb/concurrent_vector.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace {

using Index = std::size_t;
using After = std::set<Index>;                // which steps had to end before this one began
using Steps = tbb::concurrent_vector<After>;  // in the order in which they began

Index take_step(Steps& steps, const After& after) {
  return static_cast<Index>(steps.push_back(after) - steps.begin());
}

/// A task beside its caller, which notes what comes after what.
struct Fork {
  void run(auto task) {
    group.run([this, task, begin = last] { end = task(begin); });
  }
  void wait() {
    group.wait();
    last = end;
  }

  Index last;                  // what the caller comes after
  Index end = 0;               // the last step of the task
  tbb::task_group group = {};  // below what its task writes: it is destroyed first
};

/// Splits as fibonacci(n) does, and joins. Returns its last step.
Index split(int n, const After& after, Steps& steps) {
  const Index first = take_step(steps, after);
  if (n < 2) return first;
  Fork fork{first};
  fork.run([n, &steps](Index begin) { return split(n - 1, {begin}, steps); });
  const Index other = split(n - 2, {fork.last}, steps);
  fork.wait();
  return take_step(steps, {fork.last, other});
}

/// Wrong on purpose: it waits before it has anything to do beside the task.
Index split_in_turn(int n, const After& after, Steps& steps) {
  const Index first = take_step(steps, after);
  if (n < 2) return first;
  Fork fork{first};
  fork.run([n, &steps](Index begin) { return split_in_turn(n - 1, {begin}, steps); });
  fork.wait();
  const Index other = split_in_turn(n - 2, {fork.last}, steps);
  return take_step(steps, {fork.last, other});
}

std::pair<Steps, Steps> record(int n) {
  const pdc::Lane main("main");
  const auto work = main.work("all tasks, twice");
  Steps early, late;
  split_in_turn(n, {}, early);
  split(n, {}, late);
  return {early, late};
}

/// A greedy schedule: takes each step in the first round in which it is ready and a worker is left.
/// With a worker for each step, the last round is the end of the longest path.
int count_rounds(const Steps& steps, int workers) {
  std::vector<int> taken;       // steps in each round
  std::vector<Index> round_of;  // each step
  for (const After& after : steps) {
    Index round = 0;
    for (const Index before : after) round = std::max(round, round_of[before] + 1);
    while (round < taken.size() && taken[round] == workers) ++round;
    if (round == taken.size()) taken.push_back(0);
    ++taken[round];
    round_of.push_back(round);
  }
  return static_cast<int>(taken.size());
}

int count_needs(const Steps& steps) {
  std::size_t needs = 0;
  for (const After& after : steps) needs += after.size();
  return static_cast<int>(needs);
}

/// Returns whether the rounds of the second are within Brent's bounds for all numbers of workers.
bool say_rounds(const Steps& early, const Steps& late, int work, int span) {
  pdc::Curve in_turn{"waiting too early", {}}, forked{"waiting at the end", {}};
  pdc::Curve parallelism{"work / span", {}, true};
  bool are_within = true;
  pdc::say("\n  workers   rounds, waiting too early   at the end      Brent's bounds");
  for (int workers = 1; workers <= 512; workers *= 2) {
    const int slow = count_rounds(early, workers), rounds = count_rounds(late, workers);
    const int least = std::max((work + workers - 1) / workers, span);
    const int most = span + (work - span) / workers;
    if (rounds < least || rounds > most) are_within = false;
    pdc::say("  {:>7}{:>28}{:>13}{:>12} to {}", workers, slow, rounds, least, most);
    in_turn.points.emplace_back(workers, 1.0 * work / slow);
    forked.points.emplace_back(workers, 1.0 * work / rounds);
    parallelism.points.emplace_back(workers, 1.0 * work / span);
  }
  pdc::plot("what more workers gain", {"workers", true}, {"times as fast", true},
            {in_turn, forked, parallelism});
  return are_within;
}

int fibonacci(int n) {
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"n", 16, "splits as fibonacci(n) does", {4, 20}}});
  const int n = program.integer("n");
  const auto [early, late] = program.scene("the steps note what they come after", record, n);
  const int splits = fibonacci(n + 1) - 1, work = 3 * splits + 1, span = 2 * n - 1;
  const int in_turn = count_rounds(early, work), forked = count_rounds(late, work);
  const bool are_within = say_rounds(early, late, work, span);

  pdc::check(std::ssize(early) == work && std::ssize(late) == work,
             "both take as many steps as the closed form says", "{} and {}", early.size(),
             late.size());
  pdc::check(count_needs(early) == 4 * splits && count_needs(late) == 4 * splits,
             "each half comes after a step before it, and each join after both halves",
             "{} and {} for {} splits", count_needs(early), count_needs(late), splits);
  pdc::check(in_turn == work, "waiting too early, every step is in the span", "{}", in_turn);
  pdc::check(forked == span, "waiting at the end, the span is that of the closed form",
             "{} steps, so work / span is {}", forked, work / span);
  pdc::check(are_within, "waiting at the end, no number of workers leaves Brent's bounds",
             "1 to 512 workers");
  return program.finish();
}
