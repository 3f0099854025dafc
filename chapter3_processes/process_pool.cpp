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
#include <sys/wait.h>

#include <chrono>
#include <stdexcept>
#include <thread>

namespace {

constexpr std::int64_t deadly = 1;  // the first task: its worker has more behind it when it dies

struct Results {
  int right = 0;  // cubes, each in its place
  std::string error = "no error";
};

Results judge(const std::vector<Task>& tasks) {
  Results results;
  for (std::int64_t number = 1; const Task& task : tasks) {
    try {
      if (task.get() == number * number * number) ++results.right;
    } catch (const std::runtime_error& error) {
      results.error = error.what();
    }
    ++number;
  }
  return results;
}

/// Cubes; `kills` times the deadly task kills the worker that does it.
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
  return judge(pool.map(tasks));
}

Results throw_in_worker(int workers, int tasks) {
  Pool pool(workers, 1, [](std::int64_t number, const pdc::Lane&) {
    if (number == deadly) throw std::domain_error("too hard");
    return number * number * number;
  });
  return judge(pool.map(tasks));
}

/// One worker is killed while it has nothing to do. Each task has one try.
Results kill_idle_worker(int workers, int tasks) {
  Pool pool(workers, 1,
            [](std::int64_t number, const pdc::Lane&) { return number * number * number; });
  pool.map(tasks);
  pdc::posix(kill(pool.first_worker(), SIGKILL), "kill");
  siginfo_t end;
  pdc::posix(waitid(P_PID, static_cast<id_t>(pool.first_worker()), &end, WEXITED | WNOWAIT),
             "waitid");  // forced: it is dead before the next task is handed out
  return judge(pool.map(tasks));
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
  const Results thrown = throw_in_worker(workers, tasks);
  const Results idle = kill_idle_worker(workers, tasks);

  pdc::check(once.right == tasks - 1 && once.error == "killed 1 workers",
             "with one try, the task that a killed worker had in hand is lost, and no other",
             "{} of {} done", once.right, tasks);
  pdc::check(thrice.right == tasks,
             "with three tries, every task is done, each result in its place", "{} of {}",
             thrice.right, tasks);
  pdc::check(poison.right == tasks - 1 && poison.error == "killed 3 workers",
             "a poison task fails alone, after three tries", "{} of {} done; {}", poison.right,
             tasks, poison.error);
  pdc::check(thrown.right == tasks - 1 && thrown.error == "too hard",
             "an exception in a worker comes out of the pool, and kills nobody", "{}",
             thrown.error);
  pdc::check(idle.right == tasks, "a worker that dies with nothing in hand costs no task its try",
             "{} of {}", idle.right, tasks);
  return program.finish();
}
