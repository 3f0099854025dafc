// Do something: ten independent jobs one after another, as threads and as processes.
//
// Concept   Each job makes a list of random numbers, and needs nothing from the others, so all may
//           be done at once: by a thread each, or by a process each. Start all, then wait for all.
//           Threads write their lists where their parent reads; processes need shared memory for it.
// Shows     std::jthread, pdc::Child, pdc::Shared, std::minstd_rand
// Python    threading.Thread, multiprocessing.Process
// Run       do_something --numbers 1000
// You see   the same ten lists three times, made in one row, by ten threads and by ten processes
// Next      threads_vs_processes compares the two kinds; parallelization measures before it acts

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <thread>
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
  pdc::Program program(argc, argv, {{"numbers", 1000, "numbers in each list", {1, 5000}}});
  const int numbers = program.integer("numbers");
  const pdc::Shared<Lists> in_turn, by_threads, by_processes;

  program.scene("one after another", work_in_turn, *in_turn, numbers);
  program.scene("as threads", work_as_threads, *by_threads, numbers);
  program.scene("as processes", work_as_processes, *by_processes, numbers);

  check_lists("one after another, every list is that of the closed form", *in_turn, numbers);
  check_lists("as threads, every list is that of the closed form", *by_threads, numbers);
  check_lists("as processes, every list is that of the closed form", *by_processes, numbers);
  return program.finish();
}
