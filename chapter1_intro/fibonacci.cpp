// Fibonacci: a task that starts tasks, and a list of numbers dealt out to processes.
//
// Concept   Fork-join: a task splits its problem in two, gives one half away, does the other
//           itself, and waits for the first. Splitting costs more than a small problem is worth, so
//           below a cut-off it is solved without. The method is slow on purpose: it makes work to
//           share out.
// Shows     tbb::task_group, std::atomic, pdc::Child, pdc::Shared
// Python    concurrent.futures.ProcessPoolExecutor.map
// Run       fibonacci --n 34
// You see   who took which part, and the time for each cut-off beside the number of tasks it made
// Next      work_span counts what has to be done in turn; parallelization predicts what is gained

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fmt/core.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

namespace {

constexpr int largest = 36;

std::int64_t fibonacci(int n) {  // takes about as many steps as the result says
  return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

/// The reference: n halves at every step, F(2k) = F(k) (2 F(k+1) - F(k)), and so on.
std::array<std::int64_t, 2> fast_doubling(int n) {  // F(n), F(n + 1)
  if (n == 0) return {0, 1};
  const auto [a, b] = fast_doubling(n / 2);
  const std::int64_t even = a * (2 * b - a), odd = a * a + b * b;
  return n % 2 == 0 ? std::array{even, odd} : std::array{odd, even + odd};
}

class ForkJoin {
 public:
  explicit ForkJoin(int cut_off) : cut_off_(cut_off) {
    for (int i = 0; i < tbb::this_task_arena::max_concurrency(); ++i)
      lanes_.push_back(pdc::Lane("thread {}", i));
  }

  std::int64_t solve(int n) {
    if (n < cut_off_) {
      const auto thread = static_cast<std::size_t>(tbb::this_task_arena::current_thread_index());
      const auto work = lanes_[thread].work("fibonacci({})", n);
      return fibonacci(n);
    }
    std::int64_t first = 0;
    tbb::task_group group;
    group.run([&] { first = solve(n - 1); });  // whoever is free takes it
    ++tasks;
    const std::int64_t second = solve(n - 2);
    group.wait();  // meanwhile this thread does other tasks, or `first` itself
    return first + second;
  }

  std::atomic<std::int64_t> tasks = 0;

 private:
  const int cut_off_;
  std::vector<pdc::Lane> lanes_;
};

using Results = std::array<std::int64_t, largest + 1>;

/// fibonacci(0), ..., fibonacci(n), dealt out like cards to processes.
void deal_out(int n, int processes, Results& results) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < processes; ++i) {
    children.emplace_back([&, i, lane = pdc::Lane("process {}", i)] {
      for (int k = n - i; k >= 0; k -= processes) {  // the longest first
        const auto work = lane.work("fibonacci({})", k);
        results[k] = fibonacci(k);
      }
    });
  }
}  // ~Child waits for each

/// For some cut-offs: the tasks there were, and how long it took. Returns how many rows are right.
int say_cost_of_cut_offs(pdc::Program& program, int n) {
  const std::vector<int> cut_offs = {n + 1, n - 5, n - 10, n - 15, n - 20};
  std::vector<pdc::Variant> variants;
  std::vector<std::int64_t> tasks(cut_offs.size());
  for (std::size_t i = 0; i < cut_offs.size(); ++i) {
    variants.push_back({fmt::format("cut-off {}", cut_offs[i]), 2, [&, i] {
                          ForkJoin work(cut_offs[i]);
                          work.solve(n);
                          tasks[i] = work.tasks;
                        }});
  }
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants, 5);
  int right = 0;
  pdc::Curve measured{"measured", {}}, half{"half of no tasks", {}, true};
  pdc::say("\n  {:<12}{:>8}{:>10}", "", "tasks", "median");
  for (std::size_t i = 0; i < cut_offs.size(); ++i) {
    pdc::say("  {:<12}{:>8}{:>10}", variants[i].name, tasks[i], pdc::time_text(timings[i].median));
    program.report(variants[i].name, timings[i].median, "s");
    if (tasks[i] == fast_doubling(n - cut_offs[i] + 3)[0] - 1) ++right;
    measured.points.emplace_back(tasks[i] + 1, 1e3 * timings[i].median);
    half.points.emplace_back(tasks[i] + 1, 1e3 * timings[0].median / 2);
  }
  pdc::plot("the time for each number of tasks", {"parts", true}, {"ms"}, {measured, half});
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"n", 34, "which Fibonacci number", {24, largest}},
                        {"processes", 3, "that share the list", {1, 16}}});
  const int n = program.integer("n");
  const pdc::Shared<Results> results;

  // Processes first: fork copies the calling thread alone, so it comes before oneTBB has threads.
  program.scene("a list, dealt out to processes", deal_out, n, program.integer("processes"),
                *results);
  ForkJoin tasks(n - 4);
  const auto found = program.scene("one number, by tasks", &ForkJoin::solve, tasks, n);
  const int rows_right = say_cost_of_cut_offs(program, n);

  int right = 0;
  for (int k = 0; k <= n; ++k) {
    if ((*results)[k] == fast_doubling(k)[0]) ++right;
  }
  pdc::check(right == n + 1, "the list that the processes fill is that of fast doubling",
             "{} of {}", right, n + 1);
  pdc::check(found == fast_doubling(n)[0],
             "the number that the tasks find is that of fast doubling", "{}", found);
  pdc::check(rows_right == 5, "there are as many tasks as the closed form says", "{} of 5 cut-offs",
             rows_right);
  return program.finish();
}
