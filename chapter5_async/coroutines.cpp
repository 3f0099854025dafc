// Coroutines: functions that stop halfway, let others run, and go on where they were.
//
// Concept   A coroutine keeps its place and its variables while it is suspended, so a cycle of
//           turns is a plain loop. The turn goes back to the event loop only where what it awaits
//           is not there yet; to await what never suspends is to keep the turn.
// Shows     boost::asio::awaitable, co_await, co_return, boost::asio::co_spawn, boost::asio::post
// Python    async def, await, asyncio.sleep(0)
// Run       coroutines --steps 6
// You see   one after the other when they keep their turn, step by step when they give it back
// Next      tasks waits for several of them; state_machine makes each state a coroutine

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <fmt/ranges.h>
#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
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

/// Wrong on purpose: who awaits this goes on at once, since nothing in it suspends.
asio::awaitable<void> keep_turn(const Task& task, std::int64_t result) {
  task.step(result);
  co_return;
}

asio::awaitable<void> give_turn(const Task& task, std::int64_t result) {
  task.step(result);
  const auto wait = task.lane.wait("its turn");
  co_await asio::post(asio::use_awaitable);  // suspended: last in the queue of the loop
}

asio::awaitable<std::int64_t> sum(int steps, Task task, Turn turn) {
  std::int64_t total = 0;  // is still there after every turn, as are i and the rest
  for (int i = 1; i <= steps; ++i) co_await turn(task, total += i);
  co_return total;
}

asio::awaitable<std::int64_t> factorial(int steps, Task task, Turn turn) {
  std::int64_t product = 1;
  for (int i = 1; i <= steps; ++i) co_await turn(task, product *= i);
  co_return product;
}

asio::awaitable<std::int64_t> fibonacci(int steps, Task task, Turn turn) {
  std::int64_t last = 0, next = 1;
  for (int i = 1; i <= steps; ++i) co_await turn(task, last = std::exchange(next, last + next));
  co_return last;
}

using Results = std::array<std::int64_t, 3>;
struct Outcome {
  std::string before, order;
  Results results;
};

Outcome compute(int steps, Turn turn) {
  asio::io_context loop;
  std::string order;
  const Task s{'s', pdc::Lane(pdc::task, "sum"), order};
  const Task p{'p', pdc::Lane(pdc::task, "factorial"), order};
  const Task f{'f', pdc::Lane(pdc::task, "Fibonacci"), order};

  auto total = asio::co_spawn(loop, sum(steps, s, turn), asio::use_future);
  auto product = asio::co_spawn(loop, factorial(steps, p, turn), asio::use_future);
  auto number = asio::co_spawn(loop, fibonacci(steps, f, turn), asio::use_future);
  const std::string before = order;
  loop.run();  // resumes coroutines, on this thread, until all have returned
  return {before, order, {total.get(), product.get(), number.get()}};
}

Results closed_forms(int n) {
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

  pdc::check(given.before.empty(), "to call them started none: the loop does");
  pdc::check(kept.order == std::string(n, 's') + std::string(n, 'p') + std::string(n, 'f'),
             "kept: one ran after the other", "{}", kept.order);
  pdc::check(given.order == in_turns, "given back: they ran in turns", "{}", given.order);
  pdc::check(kept.results == closed_forms(steps) && given.results == kept.results,
             "the results are right, kept or given back", "{}", fmt::join(given.results, ", "));
  return program.finish();
}
