// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

/// Which tasks are to be done, and nothing else: no sockets, no clock, no files. Each is dealt out
/// until it has a result, and the first result counts, as on the page `at_least_once`.
namespace job_farm {

/// After how many failures, or losses of its worker, a task is given up.
struct Limits {
  int failures = 3, losses = 100;
};

/// A task is open; then in somebody's hands, and perhaps open again; in the end done, or given up. A
/// worker that was only silent may answer when others have its task. Thread safety: as a vector's.
class Farm {
 public:
  enum class State { to_do, done, given_up };
  struct Task {
    State state = State::to_do;
    int failures = 0, losses = 0;
    std::set<std::string> failed_by = {};  // workers
  };

  Farm(int tasks, Limits limits) : tasks_(static_cast<std::size_t>(tasks)), limits_(limits) {
    for (int task = 0; task < tasks; ++task) open_.insert(task);
  }

  /// The first open task that `may_try` is in somebody's hands from now on; none when there is none.
  std::optional<int> deal(const std::function<bool(const Task&)>& may_try) {
    const auto next = std::ranges::find_if(open_, [&](int task) { return may_try(at(task)); });
    if (next == open_.end()) return std::nullopt;
    ++dealt_;
    return open_.extract(next).value();
  }

  /// A result has come. True if it counts: it is the first.
  bool finish(int task) {
    if (at(task).state != State::to_do) return false;
    at(task).state = State::done;
    open_.erase(task);  // it may be open again
    ++done_;
    return true;
  }

  /// The worker says that it failed.
  void fail(int task, const std::string& worker) {
    at(task).failed_by.insert(worker);
    ++at(task).failures;
    take_back(task);
  }

  /// The worker is gone. Perhaps it is the task that ends its workers.
  void lose(int task) {
    ++at(task).losses;
    take_back(task);
  }

  /// Somebody else gets the task, unless it is given up. Its worker may only be silent.
  void take_back(int task) {
    Task& one = at(task);
    if (one.state != State::to_do) return;  // a late result has come meanwhile
    if (one.failures < limits_.failures && one.losses < limits_.losses) {
      open_.insert(task);
    } else {
      one.state = State::given_up;
      ++given_up_;
    }
  }

  bool is_over() const { return done_ + given_up_ == static_cast<int>(tasks_.size()); }
  std::size_t open() const { return open_.size(); }
  int dealt() const { return dealt_; }        // how often
  int done() const { return done_; }          // tasks
  int given_up() const { return given_up_; }  // likewise
  const Task& operator[](int task) const { return tasks_[static_cast<std::size_t>(task)]; }

 private:
  Task& at(int task) { return tasks_[static_cast<std::size_t>(task)]; }

  std::vector<Task> tasks_;
  Limits limits_;
  std::set<int> open_;
  int dealt_ = 0, done_ = 0, given_up_ = 0;
};

}  // namespace job_farm
