// SPDX-License-Identifier: MIT
#pragma once

#include "jobs.hpp"
#include "link.hpp"

#include "pdc/timeline.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

/// Where a worker works: a thread of its own, so that the event loop goes on.
namespace job_farm {

/// Everything but the computing happens on the loop. Thread safety: the loop's thread.
class Workbench {
 public:
  Workbench(asio::io_context& loop, std::function<void(const json::object&)> answer)
      : loop_(loop), answer_(std::move(answer)) {}

  /// A task from the coordinator; its answer goes to `answer`. Errors: BrokenProtocol.
  void take(const json::object& message) {
    const json::value* job = message.if_contains("job");
    if (job == nullptr || !job->is_object()) throw BrokenProtocol("no job");
    const int task = number_in(message, "task"), attempt = number_in(message, "attempt");
    hand_.push_back({task, job->get_object().contains("hold"), std::nullopt});
    asio::post(thread_, [this, task, attempt, order = job->get_object(), round = round_.load()] {
      if (round == round_) hand_over({round, task, compute(task, attempt, order)});
    });
  }

  /// An answer that was held back may go.
  void release(int number) {
    const auto task = find(number);
    if (task == hand_.end()) return;
    task->held_back = false;
    if (const auto answer = std::exchange(task->answer, std::nullopt)) give(number, *answer);
  }

  /// The task that it works on, or will next; none if there is none.
  std::optional<int> in_hand() const {
    return hand_.empty() ? std::nullopt : std::optional(hand_.front().number);
  }

  /// Others have got what was in hand here.
  void clear() {
    ++round_;
    hand_.clear();
  }

 private:
  struct Task {
    int number;
    bool held_back;  // its answer waits for release()
    std::optional<json::object> answer;
  };

  struct Answer {
    int round, task;
    json::object message;
  };

  std::deque<Task>::iterator find(int number) {
    return std::ranges::find(hand_, number, &Task::number);
  }

  /// On the thread.
  json::object compute(int task, int attempt, const json::object& order) const {
    const auto work = lane_.work("{}", task);
    try {
      return {{"result", task}, {"attempt", attempt}, {"value", perform(order)}};
    } catch (const std::exception& error) {
      return {{"failed", task}, {"attempt", attempt}, {"why", error.what()}};
    }
  }

  /// On the thread. One call of the loop for all that is there by then: it may be busy.
  void hand_over(Answer answer) {
    const std::scoped_lock lock(mutex_);
    ready_.push_back(std::move(answer));
    if (ready_.size() == 1) asio::post(loop_, [this] { give_ready(); });
  }

  void give_ready() {
    std::vector<Answer> ready;
    {
      const std::scoped_lock lock(mutex_);
      ready.swap(ready_);
    }
    for (const Answer& answer : ready) {
      if (answer.round == round_) give(answer.task, answer.message);
    }
  }

  void give(int number, const json::object& answer) {
    const auto task = find(number);
    if (task == hand_.end()) return;
    if (task->held_back) {
      task->answer = answer;
    } else {
      hand_.erase(task);
      answer_(answer);
    }
  }

  asio::io_context& loop_;
  const std::function<void(const json::object&)> answer_;
  std::deque<Task> hand_;
  std::mutex mutex_;
  std::vector<Answer> ready_;   // computed, and not given yet; behind the mutex
  std::atomic<int> round_ = 0;  // what an earlier one computes is nobody's any more
  const pdc::Lane lane_{"thread"};
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

}  // namespace job_farm
