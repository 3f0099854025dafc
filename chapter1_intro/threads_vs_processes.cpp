// Threads vs processes: what each kind shares, what it costs to start, what it gains.
//
// Concept   A thread is a second worker in the same house, a process a second house. Threads see
//           each other's writes; a child process has a copy of all memory, and what it writes stays
//           there, unless the memory was shared on purpose. For long work on its own data both gain
//           the same.
// Shows     std::jthread, pdc::Child, pdc::Shared, std::atomic
// Python    threading.Thread, multiprocessing.Process
// Run       threads_vs_processes --workers 2
// You see   whose write arrives, what starting costs, and the speed-up of both for two kinds of
//           work
// Next      lost_update shows what sharing can do; process_creation looks closer at processes

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <atomic>
#include <cstdint>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int answer = 42;

/// What the parent reads afterwards: in a variable of its own, and in shared memory.
struct Seen {
  int own, shared;
};

Seen write_as_thread() {
  int own = 0;
  const pdc::Shared<std::atomic<int>> shared;
  {
    const std::jthread thread([&, lane = pdc::Lane("thread")] {
      const auto work = lane.work("writes {}", answer);
      own = answer;
      *shared = answer;
    });
  }  // ~jthread joins here
  return {own, *shared};
}

Seen write_as_process() {
  int own = 0;
  const pdc::Shared<std::atomic<int>> shared;
  {
    const pdc::Child child([&, lane = pdc::Lane("process")] {
      const auto work = lane.work("writes {}", answer);
      own = answer;  // into the child's copy, which ends with it
      *shared = answer;
    });
  }  // ~Child waits here
  return {own, *shared};
}

std::pair<Seen, Seen> write_both_ways() {
  const Seen by_thread = write_as_thread();
  return {by_thread, write_as_process()};
}

/// What can be cut into parts. One kind only computes, the other mostly reads memory.
using Work = std::int64_t (*)(int part, int parts);

constexpr std::int64_t below = 500'000;

std::int64_t count_primes(int part, int parts) {  // dealt out like cards: large numbers take longer
  constexpr std::int64_t hand = 1000;
  std::int64_t found = 0;
  for (std::int64_t first = part * hand; first < below; first += parts * hand)
    found += pdc::count_primes(first, first + hand);
  return found;
}

constexpr int passes = 8;

const std::vector<std::int64_t>& numbers() {  // 1, 2, 3, ...: more than fits into most caches
  static const auto all = [] {
    std::vector<std::int64_t> result(4'000'000);
    std::iota(result.begin(), result.end(), 1);
    return result;
  }();
  return all;
}

std::int64_t add_numbers(int part, int parts) {
  const auto size = std::ssize(numbers());
  const auto first = numbers().begin() + size * part / parts;
  const auto last = numbers().begin() + size * (part + 1) / parts;
  std::int64_t sum = 0;
  for (int i = 0; i < passes; ++i) sum = std::accumulate(first, last, sum);
  return sum;
}

std::int64_t by_threads(Work work, int workers) {
  std::atomic<std::int64_t> total = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        const auto span = lane.work("part {} of {}", i + 1, workers);
        total += work(i, workers);
      });
    }
  }  // ~jthread joins here
  return total;
}

std::int64_t by_processes(Work work, int workers) {
  const pdc::Shared<std::atomic<std::int64_t>> total;
  {
    std::vector<pdc::Child> children;
    for (int i = 0; i < workers; ++i) {
      children.emplace_back([&, i, lane = pdc::Lane("process {}", i)] {
        const auto span = lane.work("part {} of {}", i + 1, workers);
        *total += work(i, workers);
      });
    }
  }  // ~Child waits here
  return *total;
}

void say_cost_of_starting(pdc::Program& program) {
  const auto cost = pdc::time_in_turns(
      {{"", 1, [] { std::jthread([] {}); }}, {"", 1, [] { pdc::Child([] {}); }}}, 25);
  pdc::say("  to start one and see it end: thread {}, process {}", pdc::time_text(cost[0].median),
           pdc::time_text(cost[1].median));
  program.report("one thread", cost[0].median, "s");
  program.report("one process", cost[1].median, "s");
}

struct Totals {
  std::int64_t threads, processes;
};

Totals work_both_ways(Work work, int workers) {
  return {by_threads(work, workers), by_processes(work, workers)};
}

Totals compare(pdc::Program& program, const char* title, Work work, int workers) {
  const Totals totals = program.scene(title, work_both_ways, work, workers);
  pdc::say_speedup(program,
                   {{"serial", 1, [&] { work(0, 1); }},
                    {"threads", workers, [&] { by_threads(work, workers); }},
                    {"processes", workers, [&] { by_processes(work, workers); }}},
                   5);
  return totals;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 2, "threads, and as many processes", {1, 64}}});
  const int workers = program.integer("workers");
  const std::int64_t size = std::ssize(numbers());  // made before any fork, so never made twice

  const auto [thread, process] = program.scene("each writes", write_both_ways);
  say_cost_of_starting(program);
  const Totals primes = compare(program, "computing: count primes", count_primes, workers);
  const Totals sums = compare(program, "reading memory: add numbers", add_numbers, workers);

  pdc::check(thread.own == answer && thread.shared == answer,
             "the parent sees what a thread writes", "{} and {}", thread.own, thread.shared);
  pdc::check(process.own == 0, "the parent does not see what a child process writes", "{}",
             process.own);
  pdc::check(process.shared == answer, "in shared memory, it sees what a child process writes",
             "{}", process.shared);
  const std::int64_t prime = pdc::sieve_primes(below);
  const std::int64_t sum = passes * (size * (size + 1) / 2);
  pdc::check(primes.threads == prime, "threads count the primes of a sieve", "{}", primes.threads);
  pdc::check(primes.processes == prime, "processes count the primes of a sieve", "{}",
             primes.processes);
  pdc::check(sums.threads == sum, "threads add up to the closed form", "{}", sums.threads);
  pdc::check(sums.processes == sum, "processes add up to the closed form", "{}", sums.processes);
  return program.finish();
}
