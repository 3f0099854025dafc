// Process pool: a few processes do many tasks, and one that dies is replaced.
//
// Concept   A pool starts its workers once; tasks and results travel as messages. A task may kill
//           the process that does it, but no other: the pool sees the end of the stream, starts a
//           successor and has the task done again. If it kills again and again, it is given up.
// Shows     pdc::Pipe, pdc::Child, write, read, poll, all of them in process_pool.hpp
// Python    multiprocessing.Pool, concurrent.futures.ProcessPoolExecutor
// Run       process_pool --workers 3 --tasks 12
// You see   a killed worker's task lost, then done again by another; a poison task fails alone;
//           what the pool gains, beside threads
// Next      mandelbrot_processes shares out the rows of an image; thread_pool does it with threads

// SPDX-License-Identifier: MIT
#include "process_pool.hpp"

#include "pdc/measure.hpp"
#include "pdc/workload.hpp"

#include <atomic>
#include <chrono>
#include <thread>

namespace {

struct Result {
  int right = 0;  // cubes
  std::string error;
};

/// The task in the middle kills its worker, so many times; with 0 it throws.
Result run_tasks(int workers, int tasks, int tries, int kills) {
  const pdc::Shared<std::atomic<int>> killed(0);
  Pool pool(workers, tries, [&](std::int64_t number, const pdc::Lane& lane) {
    auto work = lane.work("task {}", number);
    std::this_thread::sleep_for(std::chrono::milliseconds(4 + number % 3));  // plays the task
    if (number != (tasks + 1) / 2 || (kills > 0 && *killed == kills))
      return number * number * number;
    if (kills == 0) throw std::domain_error("too hard");
    work.rename("task {}: death {}", number, ++*killed);
    work.end();                           // or its bar would go on without it
    return std::int64_t{raise(SIGKILL)};  // forced: it has the task in hand
  });
  Result result;
  for (std::int64_t n = 1; const Task& task : pool.map(tasks)) {
    try {
      if (task.get() == n * n * n) ++result.right;
    } catch (const std::runtime_error& error) {
      result.error = error.what();
    }
    ++n;
  }
  return result;
}

constexpr int pieces = 40, piece = 20'000;  // as many numbers are looked at for primes

std::int64_t count_piece(std::int64_t number) {
  return pdc::count_primes((number - 1) * piece, number * piece);
}

void count_alone() {
  for (int number = 1; number <= pieces; ++number) count_piece(number);
}

void count_by_threads(int workers) {
  std::atomic<int> next = 1;
  std::vector<std::jthread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([&] {
      for (int number; (number = next++) <= pieces;) count_piece(number);
    });
  }
}  // ~jthread joins here

/// Returns how many primes the pool has found.
std::int64_t compare(pdc::Program& program, int workers) {
  Pool pool(workers, 1, [](std::int64_t number, const pdc::Lane&) { return count_piece(number); });
  std::int64_t primes = 0;
  for (const Task& task : pool.map(pieces)) primes += task.get();
  pdc::say("\nprimes below {}", pieces * piece);
  pdc::say_speedup(program,
                   {{"one process", 1, count_alone},
                    {"threads", workers, [=] { count_by_threads(workers); }},
                    {"process pool", workers, [&] { pool.map(pieces); }}},
                   5);
  return primes;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 3, "processes", {1, 32}}, {"tasks", 12, "tasks", {2, 64}}});
  const int workers = program.integer("workers"), tasks = program.integer("tasks");

  const Result once = program.scene("one try for each task", run_tasks, workers, tasks, 1, 1);
  const Result thrice = program.scene("three tries", run_tasks, workers, tasks, 3, 1);
  const Result poison = program.scene("a poison task", run_tasks, workers, tasks, 3, 99);
  const Result thrown = run_tasks(workers, tasks, 3, 0);
  const std::int64_t primes = compare(program, workers);

  pdc::check(once.right == tasks - 1, "with one try, the task of a killed worker is lost",
             "{} of {}", once.right, tasks);
  pdc::check(thrice.right == tasks, "with three, all are done, in order", "{} of {}", thrice.right,
             tasks);
  pdc::check(poison.right == tasks - 1 && poison.error == "killed 3 workers",
             "a poison task fails alone, after three tries", "{}", poison.error);
  pdc::check(thrown.right == tasks - 1 && thrown.error == "too hard",
             "an exception in a worker comes out in the pool", "{}", thrown.error);
  pdc::check(primes == pdc::sieve_primes(pieces * piece), "the pool finds all primes", "{}",
             primes);
  return program.finish();
}
