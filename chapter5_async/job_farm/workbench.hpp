// SPDX-License-Identifier: MIT
#pragma once

#include "jobs.hpp"
#include "link.hpp"

#include "pdc/timeline.hpp"

#include <atomic>
#include <functional>
#include <utility>

/// Where a worker works: a thread of its own, so that the event loop goes on.
namespace job_farm {

/// Everything but the computing happens on the loop. Thread safety: the loop's thread.
class Workbench {
 public:
  /// Calls `at_work` on the thread in the middle of each task, and `give` on the loop with its answer.
  Workbench(asio::io_context& loop, std::function<void()> at_work,
            std::function<void(const json::object&)> give)
      : loop_(loop), at_work_(std::move(at_work)), give_(std::move(give)) {}

  /// A task from the coordinator. Errors: BrokenProtocol.
  void take(const json::object& message) {
    const json::value* job = message.if_contains("job");
    if (job == nullptr || !job->is_object()) throw BrokenProtocol("no job");
    const int task = number_in(message, "task"), attempt = number_in(message, "attempt");
    if (++in_hand_ > most_in_hand) throw BrokenProtocol("too many tasks");
    asio::post(thread_, [this, task, attempt, order = job->get_object(), round = round_.load()] {
      if (round != round_) return;
      asio::post(loop_, [this, round, answer = compute(task, attempt, order)] {
        if (round != round_) return;
        --in_hand_;
        give_(answer);
      });
    });
  }

  /// The connection has ended: others have got what was in hand here.
  void clear() {
    ++round_;
    in_hand_ = 0;
  }

 private:
  static constexpr int most_in_hand = 64;

  /// On the thread.
  json::object compute(int task, int attempt, const json::object& order) const {
    const auto work = lane_.work("{}", task);
    at_work_();
    try {
      return {{"result", task}, {"attempt", attempt}, {"value", perform(order)}};
    } catch (const std::exception& error) {
      return {{"failed", task}, {"attempt", attempt}, {"why", error.what()}};
    }
  }

  asio::io_context& loop_;
  const std::function<void()> at_work_;
  const std::function<void(const json::object&)> give_;
  int in_hand_ = 0;
  std::atomic<int> round_ = 0;  // what an earlier one computes is nobody's any more
  const pdc::Lane lane_{"thread"};
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

}  // namespace job_farm
