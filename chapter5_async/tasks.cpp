// Tasks: ask several servers at once, and wait for all, for the first, or until one fails.
//
// Concept   Who awaits one task and then the next waits for the sum of both. Tasks awaited together
//           wait at the same time. Each result stands in its place, whichever came first; and who
//           is not needed any more is cancelled: for the first of them, or when one fails.
// Shows     asio::awaitable, co_spawn, operators && and ||, make_parallel_group, wait_for_one_error
// Python    asyncio.gather, asyncio.wait, asyncio.TaskGroup
// Run       tasks
// You see   one by one, then both at once; a quick server wins; a failure that comes once
// Next      timeouts lets an operation race against a timer; async_futures joins loop and threads

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using Clock = std::chrono::steady_clock;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
constexpr auto step = std::chrono::milliseconds(8);
constexpr int never = 1'000'000;  // steps: longer than any program runs

struct Day {
  asio::io_context loop;
  std::vector<pdc::Lane> servers;
  Clock::time_point now;  // one for all that are asked together, so their order is certain
  std::string events;     // "A? B? B! A! ", and A- when A is cancelled
  std::vector<std::string> seen;

  void note(const std::string& got) { seen.push_back(std::exchange(events, "") + got); }
};

/// Gives a small letter, or '-' when it is cancelled: a second exception would hide the first.
asio::awaitable<char> ask(Day& day, int number, int steps, bool fails = false) {
  const char name = static_cast<char>('A' + number);
  auto wait = day.servers[static_cast<std::size_t>(number)].wait("{}", fails ? "fails" : "answer");
  if (day.events.empty()) day.now = Clock::now();  // the first of those asked together
  day.events += fmt::format("{}? ", name);
  asio::steady_timer answer(day.loop, day.now + steps * step);
  const auto [cancelled] = co_await answer.async_wait(with_error);  // plays a server's answer
  if (cancelled) wait.rename("cancelled");
  day.events += fmt::format("{}{} ", name, cancelled ? '-' : '!');
  if (fails && !cancelled) throw std::runtime_error(fmt::format("{} is down", name));
  co_return cancelled ? '-' : static_cast<char>('a' + number);
}

/// Wrong on purpose: the second is asked when the first has answered.
asio::awaitable<void> one_by_one(Day& day) {
  const char a = co_await ask(day, 0, 2);
  day.now = Clock::now();
  const char b = co_await ask(day, 1, 1);
  day.note({a, b});
}

asio::awaitable<void> two_at_once(Day& day) {
  const auto [a, b] = co_await (ask(day, 0, 2) && ask(day, 1, 1));
  day.note({a, b});
  const auto first = co_await (ask(day, 0, never) || ask(day, 1, 1));
  day.note({first.index() == 0 ? std::get<0>(first) : std::get<1>(first)});
  try {
    co_await (ask(day, 0, never) && ask(day, 1, 1, true));
  } catch (const std::exception& error) {
    day.note(error.what());
  }
}

/// As many as there are: results and exceptions come as vectors.
asio::awaitable<void> many_at_once(Day& day) {
  std::vector<decltype(asio::co_spawn(day.loop, ask(day, 0, 0), asio::deferred))> questions;
  for (int i = 0; const int steps : {never, 1, never, 2}) {
    questions.push_back(asio::co_spawn(day.loop, ask(day, i, steps, i == 3), asio::deferred));
    ++i;
  }
  auto group = asio::experimental::make_parallel_group(std::move(questions));
  const auto [order, errors, answers] =
      co_await group.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
  std::string got;
  for (std::size_t i = 0; i < answers.size(); ++i) got += errors[i] ? '!' : answers[i];
  day.note(got);
}

std::vector<std::string> spend(asio::awaitable<void> (*act)(Day&), std::string_view names) {
  Day day;
  for (const char name : names) day.servers.push_back(pdc::Lane(pdc::task, "server {}", name));
  asio::co_spawn(day.loop, act(day), pdc::rethrow);
  day.loop.run();
  return day.seen;
}

void claim(std::string_view sentence, const std::string& seen, std::string_view expected) {
  pdc::check(seen == expected, sentence, "{}", seen);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const auto alone = program.scene("one after the other", spend, one_by_one, "AB");
  const auto two = program.scene("both, the first, a failure", spend, two_at_once, "AB");
  const auto many = program.scene("many, and one that fails", spend, many_at_once, "ABCD");

  claim("one by one, B is asked when A has answered", alone.at(0), "A? A! B? B! ab");
  claim("&&: both are asked, results in place", two.at(0), "A? B? B! A! ab");
  claim("||: the first wins, the other is cancelled", two.at(1), "A? B? B! A- b");
  claim("&&: a failure comes once, the other is cancelled", two.at(2), "A? B? B! A- B is down");
  claim("many: one fails, who waits is cancelled", many.at(0), "A? B? C? D? B! D! A- C- -b-!");
  return program.finish();
}
