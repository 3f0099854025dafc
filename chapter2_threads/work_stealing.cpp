// Work stealing: idle workers take tasks from the other end of a busy worker's deque.
//
// Concept   Tasks are seldom shared out so well that all workers end together. So each worker has a
//           deque of its own, and takes its newest task. A worker whose deque is empty steals from
//           another one's, from the other end: the oldest task. It tries all before it ends.
// Shows     std::deque, std::mutex, std::optional
// Run       work_stealing --threads 4 --tasks 12
// You see   two workers do all the tasks while two are idle; then all four have tasks
// Next      mandelbrot_threads leaves the stealing to oneTBB; task_graph runs tasks on ranks

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <latch>
#include <mutex>
#include <optional>
#include <ranges>
#include <thread>
#include <vector>

namespace {

using Task = int;

/// The tasks of one worker. Any thread.
class Tasks {
 public:
  void push(Task task) {  // here before the threads begin; the lock is for tasks that make tasks
    const std::scoped_lock lock(mutex_);
    tasks_.push_back(task);
  }
  /// For the owner.
  std::optional<Task> pop_newest() {
    const std::scoped_lock lock(mutex_);
    if (tasks_.empty()) return {};
    const Task task = tasks_.back();
    tasks_.pop_back();
    return task;
  }
  /// For all others.
  std::optional<Task> steal_oldest() {
    const std::scoped_lock lock(mutex_);
    if (tasks_.empty()) return {};
    const Task task = tasks_.front();
    tasks_.pop_front();
    return task;
  }

 private:
  std::mutex mutex_;
  std::deque<Task> tasks_;
};

/// Nothing: each deque was empty when it was looked at. That is final only if nobody pushes.
std::optional<Task> take_or_steal(std::vector<Tasks>& all, std::size_t me) {
  if (const auto task = all[me].pop_newest()) return task;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (const auto task = all[(me + i) % all.size()].steal_oldest()) return task;
  return {};
}

/// Wrong on purpose: a worker without a task ends, however many wait for another worker.
std::optional<Task> take_own(std::vector<Tasks>& all, std::size_t me) {
  return all[me].pop_newest();
}

struct Seen {
  int at_work = 0;                      // workers with a task, at most at once
  std::vector<std::vector<Task>> done;  // by each worker, in this order
};

/// The first and the last worker are owners: each has half of the tasks.
Seen run_tasks(decltype(take_own)* take, std::size_t threads, int tasks) {
  Seen seen{.done = std::vector<std::vector<Task>>(threads)};
  std::vector<Tasks> all(threads);
  for (Task task = 0; task < tasks; ++task) all[task < tasks / 2 ? 0 : threads - 1].push(task);
  pdc::Gauge at_work;
  pdc::Meeting all_busy(static_cast<int>(threads));
  std::latch all_done(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::jthread> workers;
  for (std::size_t me = 0; me < threads; ++me) {
    workers.emplace_back([&, me, lane = pdc::Lane("worker {}", me)] {
      while (const auto task = take(all, me)) {
        const auto work = lane.work("{}", *task);
        const auto visit = at_work.visit();
        if (seen.done[me].empty()) all_busy.meet();  // forced: each has one, or can get none
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the task
        seen.done[me].push_back(*task);
      }
      all_busy.leave();
      const auto idle = lane.wait("idle");
      all_done.arrive_and_wait();
    });
  }
  workers.clear();  // joins
  seen.at_work = at_work.most();
  return seen;
}

/// How many tasks were done once, and no more.
int count_once(const Seen& seen, int tasks) {
  std::vector<int> times(static_cast<std::size_t>(tasks));
  for (const auto& of_worker : seen.done)
    for (const Task task : of_worker) ++times[static_cast<std::size_t>(task)];
  return static_cast<int>(std::ranges::count(times, 1));
}

/// The owner has done the last of its tasks, downwards, before it stole; thieves the others, upwards.
bool is_in_order(const Seen& seen, std::size_t owner, Task first, Task last) {
  Task next = last;  // from here on, the owner has done all in turn
  for (const Task task : seen.done[owner]) {
    if (task != next - 1) break;
    --next;
  }
  if (next == last && last - first >= std::ssize(seen.done)) return false;  // too many to be stolen
  for (std::size_t worker = 0; worker < seen.done.size(); ++worker) {
    auto stolen = std::views::filter(seen.done[worker],
                                     [=](Task task) { return first <= task && task < next; });
    if (worker == owner ? !stolen.empty() : !std::ranges::is_sorted(stolen)) return false;
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"threads", 4, "workers", {3, 64}}, {"tasks", 12, "tasks to do", {2, 256}}});
  const int threads = program.integer("threads"), tasks = program.integer("tasks");

  const Seen own = program.scene("each only its own", run_tasks, take_own, threads, tasks);
  const Seen any = program.scene("with stealing", run_tasks, take_or_steal, threads, tasks);

  const auto by_owners = std::ssize(own.done.front()) + std::ssize(own.done.back());
  pdc::check(by_owners == tasks && own.at_work == 2,
             "without stealing, the two workers that have tasks do them all", "{} of {}", by_owners,
             tasks);
  pdc::check(any.at_work == std::min(threads, tasks),
             "with stealing, every worker has a task, as long as there are enough",
             "{} of {} at once", any.at_work, threads);
  const int once = count_once(any, tasks);
  pdc::check(once == tasks, "with stealing, each task is done once", "{} of {}", once, tasks);
  pdc::check(is_in_order(any, 0, 0, tasks / 2) && is_in_order(any, threads - 1, tasks / 2, tasks),
             "each owner has done its own newest tasks first, and each thief the oldest");
  return program.finish();
}
