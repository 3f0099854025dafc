// SPDX-License-Identifier: MIT
#include "lossy_network.hpp"

namespace {

constexpr auto journey = 2ms;
constexpr auto late_journey = 24ms;
constexpr auto work_time = 4ms;

asio::awaitable<void> pass(Clock::duration span) {
  Timer timer(co_await asio::this_coro::executor, span);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> execute(Task& task, int attempt, Count* count) {
  const Fate fate = attempt == 0 ? Fate(task.number % fates) : good;
  { const auto send = task.lane.send("task {}, {}", task.number, attempt); }
  if (fate == task_lost) co_return;
  co_await pass(journey);
  { const auto receive = task.worker.receive("task {}, {}", task.number, attempt); }
  auto work = task.worker.work("task {}", task.number);
  co_await pass(work_time);
  work.end();
  ++task.executed;
  { const auto send = task.worker.send("result {}, {}", task.number, attempt); }
  if (fate == result_lost) co_return;
  co_await pass(fate == result_late ? late_journey : journey);
  { const auto receive = task.lane.receive("result {}, {}", task.number, attempt); }
  count(task);
}

int with_fate(Fate fate, int tasks) {
  return (tasks - 1 - fate) / fates + 1;
}
