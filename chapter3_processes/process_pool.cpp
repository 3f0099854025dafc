// Process pool: a few processes do many tasks, and one that dies is replaced.
//
// Concept   A pool starts its workers once; tasks and results travel as messages. A task may kill
//           the process that does it, but no other: the pool sees the end of the stream, starts a
//           successor and has the task done again. If it kills again and again, it is given up.
// Shows     pdc::Pipe, pdc::Child, write, read, poll, all of them in process_pool.hpp
// Python    multiprocessing.Pool, concurrent.futures.ProcessPoolExecutor
// Run       process_pool --workers 3 --tasks 12
// You see   a killed worker's task lost, then done again by another; a poison task fails alone
// Next      mandelbrot_processes shares out the rows of an image; thread_pool does it with threads

// SPDX-License-Identifier: MIT
#include "process_pool.hpp"

#include <signal.h>

#include <chrono>
#include <thread>

namespace {

constexpr std::int64_t deadly = 1;  // the first task: its worker has more behind it when it dies

struct Results {
  int right = 0;   // cubes, each in its place
  int deaths = 0;  // of workers that had the deadly task in hand
};

/// Has cubes computed; `kills` times the deadly task kills the worker that does it.
Results run_tasks(int workers, int tasks, int tries, int kills) {
  const pdc::Shared<std::atomic<int>> killed(0);
  Pool pool(workers, tries, [&](std::int64_t number, const pdc::Lane& lane) {
    auto work = lane.work("task {}", number);
    std::this_thread::sleep_for(std::chrono::milliseconds(4 + number % 3));  // plays the task
    if (number == deadly && *killed < kills) {
      work.rename("task {}: death {}", number, ++*killed);
      work.end();  // or its bar would go on without it
      pdc::fault("worker killed");
      raise(SIGKILL);  // forced: it has the task in hand
    }
    return number * number * number;
  });
  Results results;
  for (std::int64_t number = 1; const Task& task : pool.map(tasks)) {
    if (task.is_done && task.value == number * number * number) ++results.right;
    if (number == deadly) results.deaths = task.deaths;
    ++number;
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 3, "processes", {1, 32}}, {"tasks", 12, "tasks", {2, 64}}});
  const int workers = program.integer("workers");
  const int tasks = program.integer("tasks");

  const Results once = program.scene("one try for each task", run_tasks, workers, tasks, 1, 1);
  const Results thrice = program.scene("three tries", run_tasks, workers, tasks, 3, 1);
  const Results poison = program.scene("a poison task", run_tasks, workers, tasks, 3, 3);

  pdc::check(once.right == tasks - 1 && once.deaths == 1,
             "with one try, the task that a killed worker had in hand is lost, and no other",
             "{} of {} done, deaths: {}", once.right, tasks, once.deaths);
  pdc::check(thrice.right == tasks && thrice.deaths == 1,
             "with three tries, every task is done, each result in its place",
             "{} of {}, deaths: {}", thrice.right, tasks, thrice.deaths);
  pdc::check(poison.right == tasks - 1 && poison.deaths == 3,
             "a poison task is given up after three tries, and no other",
             "{} of {} done, deaths: {}", poison.right, tasks, poison.deaths);
  return program.finish();
}
