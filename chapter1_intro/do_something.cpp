// Do something: ten independent jobs one after another, as threads and as processes.
//
// Concept   Each job makes a list of random numbers, and needs nothing from the others. Threads
//           write their lists where all can see them; processes need shared memory for it. The CPU
//           clock is no watch: it adds up all threads of a process, and leaves out its children.
// Shows     std::jthread, std::minstd_rand, clock_gettime, getrusage
// Python    threading.Thread, multiprocessing.Process; time.process_time and time.perf_counter
// Run       do_something --numbers 1000
// You see   the same ten lists three times, what starting cost, and two clocks that disagree
// Next      threads_vs_processes compares the two kinds; parallelization measures before it acts

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int jobs = 10;
constexpr int steps = 2000;  // of the generator for each number that is kept

using List = std::array<std::uint32_t, 5000>;
using Lists = std::array<List, jobs>;

std::span<std::uint32_t> part(Lists& lists, int job, int numbers) {
  return std::span(lists[static_cast<std::size_t>(job)]).first(static_cast<std::size_t>(numbers));
}

void do_job(int job, std::span<std::uint32_t> list, const pdc::Lane& lane) {
  const auto work = lane.work("job {}", job);
  std::minstd_rand random(static_cast<std::uint32_t>(job) + 1);
  for (std::uint32_t& number : list) {
    random.discard(steps - 1);
    number = static_cast<std::uint32_t>(random());
  }
}

void work_in_turn(Lists& lists, int numbers) {
  const pdc::Lane main("main");
  for (int job = 0; job < jobs; ++job) do_job(job, part(lists, job, numbers), main);
}

void work_as_threads(Lists& lists, int numbers) {
  std::vector<std::jthread> threads;  // start all, then join all: not one after the other
  for (int job = 0; job < jobs; ++job) {
    threads.emplace_back(do_job, job, part(lists, job, numbers), pdc::Lane("thread {}", job));
  }
}  // ~jthread joins each

void work_as_processes(Lists& lists, int numbers) {
  std::vector<pdc::Child> children;
  for (int job = 0; job < jobs; ++job) {
    children.emplace_back([&, lane = pdc::Lane("process {}", job)] {
      do_job(job, part(lists, job, numbers), lane);  // the lists are in shared memory
    });
  }
}  // ~Child waits for each

struct Clocks {
  double elapsed, own_cpu, children_cpu;  // seconds
};

Clocks read_clocks() {
  const auto seconds = [](clockid_t clock) {
    timespec time{};
    pdc::posix(clock_gettime(clock, &time), "clock_gettime");
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  rusage usage{};  // of the children that have ended and been waited for
  pdc::posix(getrusage(RUSAGE_CHILDREN, &usage), "getrusage");
  const auto [user, kernel] = std::pair(usage.ru_utime, usage.ru_stime);
  return {seconds(CLOCK_MONOTONIC), seconds(CLOCK_PROCESS_CPUTIME_ID),
          static_cast<double>(user.tv_sec + kernel.tv_sec) +
              1e-6 * static_cast<double>(user.tv_usec + kernel.tv_usec)};
}

/// Reads all clocks before and after.
Clocks clock_work(void (*work)(Lists&, int), Lists& lists, int numbers) {
  const Clocks before = read_clocks();
  work(lists, numbers);
  const Clocks after = read_clocks();
  return {after.elapsed - before.elapsed, after.own_cpu - before.own_cpu,
          after.children_cpu - before.children_cpu};
}

void say_clocks(const char* way, const Clocks& clocks) {
  pdc::say("  {:<10}{:>10}{:>12}{:>18}", way, pdc::time_text(clocks.elapsed),
           pdc::time_text(clocks.own_cpu), pdc::time_text(clocks.children_cpu));
}

/// The same without any work.
void say_cost_of_starting(pdc::Program& program) {
  const auto start_threads = [] {
    std::vector<std::jthread> threads;
    for (int job = 0; job < jobs; ++job) threads.emplace_back([] {});
  };
  const auto start_processes = [] {
    std::vector<pdc::Child> children;
    for (int job = 0; job < jobs; ++job) children.emplace_back([] {});
  };
  const auto cost = pdc::time_in_turns({{"", jobs, start_threads}, {"", jobs, start_processes}});
  pdc::say("  starting {} without work: threads {}, processes {}", jobs,
           pdc::time_text(cost[0].median), pdc::time_text(cost[1].median));
  program.report("start threads", cost[0].median, "s");
  program.report("start processes", cost[1].median, "s");
}

/// How many lists are right: number k of a job is seed * a^k modulo m, with no generator.
int count_right(Lists& lists, int numbers) {
  constexpr std::uint64_t m = std::minstd_rand::modulus;
  std::uint64_t factor = 1;  // a^steps: what `steps` steps come to
  for (int i = 0; i < steps; ++i) factor = factor * std::minstd_rand::multiplier % m;
  int right = 0;
  for (int job = 0; job < jobs; ++job) {
    std::uint64_t expected = static_cast<std::uint64_t>(job) + 1;
    int as_expected = 0;
    for (const std::uint32_t number : part(lists, job, numbers)) {
      expected = expected * factor % m;
      if (number == expected) ++as_expected;
    }
    if (as_expected == numbers) ++right;
  }
  return right;
}

void check_lists(const char* claim, Lists& lists, int numbers) {
  const int right = count_right(lists, numbers);
  pdc::check(right == jobs, claim, "{} of {}", right, jobs);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 1000, "numbers in each list", {1000, 5000}}});
  const int numbers = program.integer("numbers");
  const pdc::Shared<Lists> in_turn, by_threads, by_processes;

  const auto run = [&](const char* title, auto work, const auto& lists) {
    return program.scene(title, clock_work, work, *lists, numbers);
  };
  const Clocks serial = run("one after another", work_in_turn, in_turn);
  const Clocks threads = run("as threads", work_as_threads, by_threads);
  const Clocks processes = run("as processes", work_as_processes, by_processes);
  pdc::say("\n  {:<10}{:>10}{:>12}{:>18}", "", "elapsed", "CPU clock", "of its children");
  say_clocks("serial", serial);
  say_clocks("threads", threads);
  say_clocks("processes", processes);
  say_cost_of_starting(program);

  check_lists("one after another, every list is that of the closed form", *in_turn, numbers);
  check_lists("as threads, every list is that of the closed form", *by_threads, numbers);
  check_lists("as processes, every list is that of the closed form", *by_processes, numbers);
  pdc::check(processes.own_cpu < processes.children_cpu,
             "the CPU clock of the parent does not see what its children do", "{} of {}",
             pdc::time_text(processes.own_cpu), pdc::time_text(processes.children_cpu));
  return program.finish();
}
