// At least once: a task is dealt out again until there is a result, and the first result counts.
//
// Concept   A message can be lost, or be late, and its sender cannot tell which. Sent once, a task
//           whose message is lost stays undone: at most once. Sent again until there is a result,
//           each task is done: at least once; and one whose result was only late counts twice. So
//           results carry the number of their task, and the coordinator remembers which tasks have
//           counted. Then each counts once, however often it was done.
// Shows     expires_after, async_wait, cancel, asio::as_tuple, co_spawn
// Python    Celery's task_acks_late, with task_reject_on_worker_lost; the memory is yours
// Run       at_least_once --tasks 4
// You see   results of 2 of 4 tasks; of all, one of them twice; of each task once
// Next      journal keeps what is done when the coordinator itself dies; coordinator does it over TCP

// SPDX-License-Identifier: MIT
#include "lossy_network.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <deque>

namespace {

constexpr auto patience = 14ms;  // longer than there, work and back: 8 ms

struct Farm {
  asio::io_context loop;
  std::deque<Task> tasks = {};
};

void finish(Task& task) {
  task.done = true;
  task.limit.cancel();
}

/// Wrong on purpose: each result that comes counts.
void count_each(Task& task) {
  if (task.done) pdc::fault("counts twice");
  ++task.counted;
  finish(task);
}

void count_first(Task& task) {
  if (task.done) return;  // another result of this task has counted
  ++task.counted;
  finish(task);
}

/// Wrong on purpose: at most once.
asio::awaitable<void> deal_out_once(Task& task, Count* count) {
  co_await execute(task, 0, count);
}

/// At least once.
asio::awaitable<void> deal_out_until_done(Task& task, Count* count) {
  for (int attempt = 0; !task.done; ++attempt) {
    asio::co_spawn(task.limit.get_executor(), execute(task, attempt, count), pdc::rethrow);
    const auto wait = task.lane.wait("result");
    task.limit.expires_after(patience);
    const auto [error] = co_await task.limit.async_wait(asio::as_tuple(asio::use_awaitable));
    if (error && !task.done) co_return;  // cancelled, and not by a result
  }
}

using Deal = decltype(deal_out_until_done);

void work_off(Farm& farm, int tasks, Deal* deal_out, Count* count) {
  for (int i = 0; i < tasks; ++i) {
    Task& task = farm.tasks.emplace_back(farm.loop, i);
    asio::co_spawn(farm.loop, deal_out(task, count), pdc::rethrow);
  }
  Clock::run(farm.loop);
}

/// How many tasks have counted so often.
std::ptrdiff_t count_tasks(const Farm& farm, int times) {
  return std::ranges::count(farm.tasks, times, &Task::counted);
}

int count_executions(const Farm& farm) {
  int executions = 0;
  for (const Task& task : farm.tasks) executions += task.executed;
  return executions;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"tasks", 4, "tasks, each with a fate", {4, 20}}});
  const int tasks = program.integer("tasks");
  const int unknown = with_fate(task_lost, tasks);  // to its worker
  const int without_result = with_fate(result_lost, tasks);
  const int late = with_fate(result_late, tasks);
  Farm once, each, first;

  program.scene("dealt out once", work_off, once, tasks, deal_out_once, count_each);
  program.scene("until done", work_off, each, tasks, deal_out_until_done, count_each);
  program.scene("until done, and the first counts", work_off, first, tasks, deal_out_until_done,
                count_first);

  pdc::check(count_tasks(once, 0) == unknown + without_result,
             "dealt out once, a task is missing if its message or its result is lost", "{} of {}",
             count_tasks(once, 0), tasks);
  pdc::check(count_tasks(each, 0) == 0 && count_tasks(each, 2) == late,
             "dealt out until there is a result, no task is missing, and one whose result is late "
             "counts twice",
             "{} of {}", count_tasks(each, 2), tasks);
  pdc::check(count_tasks(first, 1) == tasks,
             "where only the first result counts, each task counts once", "{} of {}",
             count_tasks(first, 1), tasks);
  pdc::check(count_executions(first) == tasks + without_result + late,
             "a task was executed once more for each result that was lost or late",
             "{} executions of {} tasks", count_executions(first), tasks);
  return program.finish();
}
