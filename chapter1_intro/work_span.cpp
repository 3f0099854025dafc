// Work span: how much there is to do, and how much of it has to be done in turn.
//
// Concept   The work is all steps that there are. The span is the longest path among them: steps of
//           which each needs the one before. No number of workers takes less time than the span, so
//           work by span, the parallelism, is how many times as fast it can become. If none rests
//           while a step is ready, p workers take at most the span and a p-th of all other steps:
//           Brent's bound.
// Shows     tbb::task_group, tbb::concurrent_vector
// Run       work_span --n 16
// You see   work and span of tasks that wait too early and at the end, and what more workers gain
// Next      parallelization predicts the gain from times, and not from steps

// SPDX-License-Identifier: MIT
#include "pdc/plot.hpp"
#include "pdc/program.hpp"

#include <fmt/core.h>
#include <tbb/concurrent_vector.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

namespace {

using Index = std::size_t;
using After = std::vector<Index>;             // which steps had to end before this one began
using Steps = tbb::concurrent_vector<After>;  // in the order in which they began

Index take_step(Steps& steps, After after) {
  return static_cast<Index>(steps.push_back(std::move(after)) - steps.begin());
}

/// A task beside its caller, which notes what comes after what.
class Fork {
 public:
  explicit Fork(Index step) : last(step) {}
  void run(auto task) {
    group_.run([this, task, begin = last] { end_ = task(begin); });
  }
  void wait() {
    group_.wait();
    last = end_;
  }
  Index last;  // what the caller comes after

 private:
  Index end_ = 0;          // the last step of the task
  tbb::task_group group_;  // below what its task writes: it is destroyed first, and waits then
};

/// Splits as fibonacci(n) does, and joins. Returns its last step.
Index split(int n, After after, Steps& steps) {
  const Index first = take_step(steps, std::move(after));
  if (n < 2) return first;
  Fork fork(first);
  fork.run([n, &steps](Index begin) { return split(n - 1, {begin}, steps); });
  const Index other = split(n - 2, {fork.last}, steps);
  fork.wait();
  return take_step(steps, {fork.last, other});
}

/// Wrong on purpose: it waits before it has anything to do beside the task.
Index split_in_turn(int n, After after, Steps& steps) {
  const Index first = take_step(steps, std::move(after));
  if (n < 2) return first;
  Fork fork(first);
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

/// How many steps come after as many others as that.
std::int64_t count_after(const Steps& steps, std::size_t others) {
  return std::ranges::count_if(steps, [&](const After& after) {
    return std::set<Index>(after.begin(), after.end()).size() == others;
  });
}

/// The length of the longest path: steps of which each comes after the one before.
std::int64_t find_span(const Steps& steps) {
  std::vector<std::int64_t> paths;
  for (const After& after : steps) {
    std::int64_t longest = 0;
    for (const Index before : after) longest = std::max(longest, paths[before]);
    paths.push_back(longest + 1);
  }
  return *std::ranges::max_element(paths);
}

/// A greedy schedule: in each round, every worker takes a step that is ready, as long as there are.
std::int64_t count_rounds(const Steps& steps, std::int64_t workers) {
  std::vector<std::vector<Index>> next(steps.size());
  std::vector<Index> missing, ready;
  for (Index i = 0; i < steps.size(); ++i) {
    missing.push_back(steps[i].size());
    if (steps[i].empty()) ready.push_back(i);
    for (const Index before : steps[i]) next[before].push_back(i);
  }
  std::int64_t rounds = 0;
  while (!ready.empty()) {
    ++rounds;
    const auto taken = std::min(workers, std::ssize(ready));
    const std::vector<Index> now(ready.end() - taken, ready.end());
    ready.resize(ready.size() - now.size());
    for (const Index step : now) {
      for (const Index freed : next[step]) {
        if (--missing[freed] == 0) ready.push_back(freed);
      }
    }
  }
  return rounds;
}

constexpr int worker_counts[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};

/// Returns for how many numbers of workers the rounds are within Brent's bounds.
int say_rounds(pdc::Program& program, const Steps& early, const Steps& late) {
  const std::int64_t work = std::ssize(late), span = find_span(late);
  pdc::Curve in_turn{"waiting too early", {}}, forked{"waiting at the end", {}};
  pdc::Curve parallelism{"work / span", {}, true};
  int within = 0;
  pdc::say("\n  workers   rounds, waiting too early   at the end      Brent's bounds");
  for (const int workers : worker_counts) {
    const std::int64_t slow = count_rounds(early, workers), rounds = count_rounds(late, workers);
    const std::int64_t least = std::max((work + workers - 1) / workers, span);
    const std::int64_t most = span + (work - span) / workers;
    if (rounds >= least && rounds <= most) ++within;
    pdc::say("  {:>7}{:>28}{:>13}{:>12} to {}", workers, slow, rounds, least, most);
    program.report(fmt::format("rounds of {} workers", workers), static_cast<double>(rounds), "");
    const double all = static_cast<double>(work);
    in_turn.points.emplace_back(workers, all / static_cast<double>(slow));
    forked.points.emplace_back(workers, all / static_cast<double>(rounds));
    parallelism.points.emplace_back(workers, all / static_cast<double>(span));
  }
  pdc::plot("what more workers gain", {"workers", true}, {"times as fast", true},
            {in_turn, forked, parallelism});
  return within;
}

std::int64_t fibonacci(int n) {
  std::vector<std::int64_t> numbers = {0, 1};
  while (std::ssize(numbers) <= n) numbers.push_back(numbers.end()[-1] + numbers.end()[-2]);
  return numbers[n];
}

/// Whether one step comes after none, and after two as many as there are tasks that split.
bool is_joined(const Steps& steps, int n) {
  return count_after(steps, 0) == 1 && count_after(steps, 2) == fibonacci(n + 1) - 1;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"n", 16, "splits as fibonacci(n) does", {4, 22}}});
  const int n = program.integer("n");

  const auto [early, late] =
      program.scene("the tasks run, and note what they come after", record, n);
  const int within = say_rounds(program, early, late);

  const std::int64_t work = std::ssize(late), span = find_span(late);
  const std::int64_t in_turn = find_span(early), by_all = count_rounds(late, work);
  pdc::check(work == 3 * fibonacci(n + 1) - 2 && std::ssize(early) == work,
             "both take as many steps as the closed form says", "{} and {}", early.size(), work);
  pdc::check(is_joined(early, n) && is_joined(late, n),
             "each step but the first comes after another, and each join after two",
             "{} and {} joins", count_after(early, 2), count_after(late, 2));
  pdc::check(in_turn == work, "waiting too early, every step is in the span", "{} of {}", in_turn,
             early.size());
  pdc::check(span == 2 * n - 1, "waiting at the end, the span is that of the closed form",
             "{} steps, so work / span is {}", span, work / span);
  pdc::check(within == std::ssize(worker_counts),
             "waiting at the end, no number of workers leaves Brent's bounds", "{} of {} numbers",
             within, std::ssize(worker_counts));
  pdc::check(by_all == span, "with a worker for each step, only the span is left", "{} rounds",
             by_all);
  return program.finish();
}
