// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// What the coordinator knows of its tasks, and nothing else: no sockets, no clock, no files.
namespace job_farm {

/// A task in somebody's hands, for the first time or once more.
struct Deal {
  int task, attempt;  // attempts are counted from 1
};

/// By how many workers a task has to be failed, or lost with, before it is given up.
struct Limits {
  std::size_t failures = 3, losses = 100;
};

/// A task is open, until it is dealt out; dealt, until an answer comes or it is taken back; then
/// open again, or done, or failed. A worker that was only silent may still answer: the first result
/// counts, whichever attempt it is from, all others do not. Thread safety: as that of a vector.
class Farm {
 public:
  enum class State { open, dealt, done, failed };
  struct Task {
    State state = State::open;
    int attempts = 0;
    std::size_t failures = 0;
    std::set<std::string> failed_by, lost_by;  // workers
    std::string by;                            // who did it
    std::string why;                           // it is not done
  };
  struct Counts {
    int dealt = 0;   // attempts
    int done = 0;    // tasks
    int late = 0;    // answers from attempts that had been taken back
    int twice = 0;   // results of tasks that were done already
    int failed = 0;  // tasks that were given up
  };

  Farm(int tasks, Limits limits) : tasks_(static_cast<std::size_t>(tasks)), limits_(limits) {
    for (int task = 0; task < tasks; ++task) open_.push_back(task);
  }

  /// The next open task that `may_try` is in somebody's hands from now on; none when there is none.
  std::optional<Deal> deal(const std::function<bool(const Task&)>& may_try) {
    for (auto next = open_.begin(); next != open_.end();) {
      Task& task = at(*next);
      if (task.state == State::open && !may_try(task)) {
        ++next;
        continue;
      }
      const int number = *next;
      next = open_.erase(next);
      if (task.state != State::open) continue;  // a late answer came while it was open once more
      task.state = State::dealt;
      ++counts_.dealt;
      return Deal{number, ++task.attempts};
    }
    return std::nullopt;
  }

  /// A result has come. True if it counts: it is the first, and the task is done now.
  bool finish(Deal deal, const std::string& by) {
    Task& task = at(deal.task);
    if (!is_current(deal)) ++counts_.late;
    if (task.state == State::done) ++counts_.twice;
    if (task.state == State::done || task.state == State::failed) return false;
    task.state = State::done;
    task.by = by;
    ++counts_.done;
    return true;
  }

  /// The worker says that it failed: once more, behind the others, or given up. Where there are not
  /// enough workers for the limit (`is_last`: all that are there have failed it), each counts again.
  /// A late one does not count: the task is in other hands.
  void fail(Deal deal, const std::string& worker, const std::string& why, bool is_last) {
    if (!is_current(deal)) {
      ++counts_.late;
      return;
    }
    Task& task = at(deal.task);
    task.why = why;
    task.failed_by.insert(worker);
    ++task.failures;
    const std::size_t count = is_last ? task.failures : task.failed_by.size();
    open_again(deal.task, Place::last, count >= limits_.failures);
  }

  /// The worker is gone. `begun` if it had begun: then it may be the task that ends its workers.
  void lose(Deal deal, const std::string& worker, bool begun) {
    Task& task = at(deal.task);
    if (begun) {
      task.lost_by.insert(worker);
      task.why = "its worker was lost";
    }
    if (is_current(deal))
      open_again(deal.task, Place::first, task.lost_by.size() >= limits_.losses);
  }

  /// The worker is silent: somebody else gets the task, and its answer will be late.
  void take_back(Deal deal) {
    if (is_current(deal)) open_again(deal.task, Place::first, false);
  }

  /// What an earlier coordinator has written down. False if that was recalled before.
  bool recall(int task, const std::string& by) {
    if (std::exchange(at(task).state, State::done) == State::done) return false;
    at(task).by = by;
    ++counts_.done;
    return true;
  }

  /// Whether it was neither taken back nor answered.
  bool is_current(Deal deal) const {
    const Task& task = (*this)[deal.task];
    return task.state == State::dealt && task.attempts == deal.attempt;
  }

  bool is_over() const { return counts_.done + counts_.failed == static_cast<int>(tasks_.size()); }
  std::size_t open() const { return open_.size(); }  // about as many
  const Counts& counts() const { return counts_; }
  const Task& operator[](int task) const { return tasks_[static_cast<std::size_t>(task)]; }

 private:
  enum class Place { first, last };

  Task& at(int task) { return tasks_[static_cast<std::size_t>(task)]; }

  void open_again(int number, Place place, bool give_up) {
    at(number).state = give_up ? State::failed : State::open;
    if (give_up)
      ++counts_.failed;
    else
      open_.insert(place == Place::first ? open_.begin() : open_.end(), number);
  }

  std::vector<Task> tasks_;
  Limits limits_;
  std::deque<int> open_;
  Counts counts_;
};

}  // namespace job_farm
