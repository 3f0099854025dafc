// SPDX-License-Identifier: MIT
#pragma once

#include "played_clock.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <chrono>

/// The network of at_least_once, which loses messages and delays them, and the workers behind it.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

/// What becomes of the first message about a task, or of its result. All later ones arrive in time.
enum Fate { good, task_lost, result_lost, result_late };
constexpr int fates = 4;

struct Task {
  Task(asio::io_context& loop, int n)
      : number(n), limit(loop), lane(pdc::task, "task {}", n), worker(pdc::task, "worker {}", n) {}
  const int number;
  Timer limit;
  pdc::Lane lane, worker;
  bool done = false;
  int executed = 0, counted = 0;  // how often
};

/// What the coordinator does when a result comes.
using Count = void(Task& task);

/// Sends the task, has it done, and brings the result back, if nothing is lost on the way. Network and
/// worker do not know what was sent before.
asio::awaitable<void> execute(Task& task, int attempt, Count* count);

int with_fate(Fate fate, int tasks);  // so many of them
