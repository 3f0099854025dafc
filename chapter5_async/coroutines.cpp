// Coroutines: functions that stop halfway, let others run, and go on where they were.
//
// Concept   A coroutine keeps its place and its variables while it is suspended, so a cycle of
//           turns is a plain loop. The turn goes back to the event loop only where what it awaits
//           is not there yet; to await what never suspends is to keep the turn.
// Shows     boost::asio::awaitable, co_await, co_return, boost::asio::co_spawn, boost::asio::post
// Python    async def, await, asyncio.sleep(0)
// Run       coroutines --steps 6
// You see   one after the other when they keep their turn, step by step when they give it back
// Next      coroutine_from_scratch makes such a type by hand; tasks waits for several coroutines

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <exception>
#include <numbers>
#include <string>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;

struct Task {
  char initial;
  pdc::Lane lane;
  std::string& order;  // who had a turn

  void step(std::int64_t result) const {
    const auto work = lane.work("{}", result);
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays a longer computation
    order += initial;
  }
};

using Turn = asio::awaitable<void> (*)(const Task&, std::int64_t result);

asio::awaitable<void> give_turn(const Task& task, std::int64_t result) {
  task.step(result);
  const auto wait = task.lane.wait("its turn");
  co_await asio::post(asio::use_awaitable);  // suspended: last in the queue of the loop
}

/// Wrong on purpose: a task that awaits this goes on at once, since nothing in it suspends.
asio::awaitable<void> keep_turn(const Task& task, std::int64_t result) {
  task.step(result);
  co_return;
}

asio::awaitable<std::int64_t> sum(int steps, Task task, Turn turn) {
  std::int64_t total = 0;  // is still there after every turn, as are i and the rest
  for (int i = 1; i <= steps; ++i) {
    total += i;
    co_await turn(task, total);
  }
  co_return total;
}

asio::awaitable<std::int64_t> factorial(int steps, Task task, Turn turn) {
  std::int64_t product = 1;
  for (int i = 1; i <= steps; ++i) {
    product *= i;
    co_await turn(task, product);
  }
  co_return product;
}

asio::awaitable<std::int64_t> fibonacci(int steps, Task task, Turn turn) {
  std::int64_t last = 0, next = 1;
  for (int i = 1; i <= steps; ++i) {
    last = std::exchange(next, last + next);
    co_await turn(task, last);
  }
  co_return last;
}

/// Hands a coroutine to the loop. Its result comes later, its exception out of loop.run().
void spawn(asio::io_context& loop, asio::awaitable<std::int64_t> coroutine, std::int64_t& result) {
  auto keep = [&result](std::exception_ptr error, std::int64_t returned) {
    if (error) std::rethrow_exception(error);
    result = returned;
  };
  asio::co_spawn(loop, std::move(coroutine), keep);
}

struct Outcome {
  std::string before, order;
  std::array<std::int64_t, 3> results = {};
};

Outcome compute(int steps, Turn turn) {
  asio::io_context loop;
  Outcome seen;
  const Task s{'s', pdc::Lane(pdc::task, "sum"), seen.order};
  const Task p{'p', pdc::Lane(pdc::task, "factorial"), seen.order};
  const Task f{'f', pdc::Lane(pdc::task, "Fibonacci"), seen.order};

  spawn(loop, sum(steps, s, turn), seen.results[0]);
  spawn(loop, factorial(steps, p, turn), seen.results[1]);
  spawn(loop, fibonacci(steps, f, turn), seen.results[2]);
  seen.before = seen.order;
  loop.run();  // resumes coroutines, on this thread, until all have returned
  return seen;
}

std::array<std::int64_t, 3> closed_forms(int n) {
  return {n * (n + 1) / 2, std::llround(std::tgamma(n + 1)),
          std::llround(std::pow(std::numbers::phi, n) / std::sqrt(5.0))};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"steps", 6, "steps of each computation", {2, 15}}});
  const int steps = program.integer("steps");

  const Outcome kept = program.scene("keeping the turn", compute, steps, keep_turn);
  const Outcome given = program.scene("giving the turn back", compute, steps, give_turn);

  const auto n = static_cast<std::size_t>(steps);
  std::string in_turns;
  for (int i = 0; i < steps; ++i) in_turns += "spf";

  pdc::check(kept.before.empty() && given.before.empty(),
             "a coroutine that was called and spawned has not begun before the loop runs",
             "{} steps", kept.before.size() + given.before.size());
  pdc::check(kept.order == std::string(n, 's') + std::string(n, 'p') + std::string(n, 'f'),
             "coroutines that keep their turn run one after the other", "{}", kept.order);
  pdc::check(given.order == in_turns, "coroutines that give their turn back run in turns", "{}",
             given.order);
  pdc::check(kept.results == closed_forms(steps) && given.results == closed_forms(steps),
             "what a coroutine returns is right, whether it keeps its turn or gives it back", "{}",
             pdc::join(given.results));
  return program.finish();
}
