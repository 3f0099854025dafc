// Tasks: ask several servers at once, and wait for all, for the first, or until one fails.
//
// Concept   To await one task and then the next takes the sum of both. Tasks awaited together wait
//           at the same time. Each result stands in its place, whichever came first; and a task
//           that is not needed any more is cancelled: when another was first, or when one fails.
// Shows     asio::awaitable, co_spawn, operators && and ||, make_parallel_group, wait_for_one_error
// Python    asyncio.gather, asyncio.wait, asyncio.TaskGroup
// Run       tasks
// You see   one by one in 24 ms, both at once in 16; a quick server wins; a failure that comes once
// Next      timeouts lets an operation race against a timer; async_futures joins loop and threads

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <chrono>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using Clock = PlayedClock;

/// How long a server takes.
constexpr auto quick = 8ms, slow = 16ms, far_too_slow = 400ms;

struct Day {
  asio::io_context loop;
  std::string events;  // "A? B? B! A! ", and A- when A is cancelled
};

/// Gives a small letter, or '-' when it is cancelled: a second exception would hide the first.
asio::awaitable<char> ask(Day& day, char name, Clock::duration time, bool fails = false) {
  const pdc::Lane lane(pdc::task, "server {}", name);
  auto wait = lane.wait("{}", fails ? "fails" : "answer");
  day.events += fmt::format("{}? ", name);
  asio::basic_waitable_timer<Clock> answer(day.loop, time);  // plays the server
  const auto [cancelled] = co_await answer.async_wait(asio::as_tuple(asio::use_awaitable));
  if (cancelled) wait.rename("cancelled");
  day.events += fmt::format("{}{} ", name, cancelled ? '-' : '!');
  if (cancelled) co_return '-';
  if (fails) throw std::runtime_error(fmt::format("{} is down", name));
  co_return static_cast<char>(name - 'A' + 'a');
}

/// Wrong on purpose: the second is asked when the first has answered.
asio::awaitable<std::string> one_by_one(Day& day) {
  const char a = co_await ask(day, 'A', slow);
  const char b = co_await ask(day, 'B', quick);
  co_return std::string{a, b};
}

asio::awaitable<std::string> both(Day& day) {
  const auto [a, b] = co_await (ask(day, 'A', slow) && ask(day, 'B', quick));
  co_return std::string{a, b};
}

asio::awaitable<std::string> the_first(Day& day) {
  const auto first = co_await (ask(day, 'A', far_too_slow) || ask(day, 'B', quick));
  const char answer = first.index() == 0 ? std::get<0>(first) : std::get<1>(first);
  co_return std::string{answer};
}

asio::awaitable<std::string> until_one_fails(Day& day) {
  std::string got;
  try {
    const auto [a, b] = co_await (ask(day, 'A', far_too_slow) && ask(day, 'B', quick, true));
    got = {a, b};
  } catch (const std::exception& error) {
    got = error.what();
  }
  co_return got;
}

/// As many as there are, one at least: results and exceptions come as vectors.
asio::awaitable<std::string> many(Day& day) {
  std::vector<decltype(asio::co_spawn(day.loop, ask(day, 'A', slow), asio::deferred))> questions;
  for (const auto& [name, time] : {std::pair('A', far_too_slow), {'B', quick}, {'C', far_too_slow}})
    questions.push_back(asio::co_spawn(day.loop, ask(day, name, time), asio::deferred));
  questions.push_back(asio::co_spawn(day.loop, ask(day, 'D', slow, true), asio::deferred));

  auto group = asio::experimental::make_parallel_group(std::move(questions));
  const auto [order, errors, answers] =
      co_await group.async_wait(asio::experimental::wait_for_one_error(), asio::use_awaitable);
  std::string got;
  for (std::size_t i = 0; i < answers.size(); ++i) got += errors[i] ? '!' : answers[i];
  co_return got;
}

/// What was asked and answered, what came of it, and when.
std::string spend(asio::awaitable<std::string> (*act)(Day&)) {
  Day day;
  std::string seen;
  const auto start = Clock::now();
  asio::co_spawn(day.loop, act(day), [&](std::exception_ptr error, const std::string& got) {
    pdc::rethrow(error);
    seen = fmt::format("{}{} after {} ms", day.events, got, (Clock::now() - start) / 1ms);
  });
  Clock::run(day.loop);
  return seen;
}

void claim(std::string_view sentence, const std::string& seen, std::string_view expected) {
  pdc::check(seen == expected, sentence, "{}", seen);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const auto alone = program.scene("one after the other", spend, one_by_one);
  const auto two = program.scene("both at once", spend, both);
  const auto first = program.scene("the first wins", spend, the_first);
  const auto failure = program.scene("one of two fails", spend, until_one_fails);
  const auto group = program.scene("one of many fails", spend, many);

  claim("awaited one by one, B is asked when A has answered, and their times add up", alone,
        "A? A! B? B! ab after 24 ms");
  claim("awaited with &&, both are asked at once, and each result stands in its place", two,
        "A? B? B! A! ab after 16 ms");
  claim("awaited with ||, the first answer wins, and the other task is cancelled", first,
        "A? B? B! A- b after 8 ms");
  claim("awaited with &&, a failure comes once, and the other task is cancelled", failure,
        "A? B? B! A- B is down after 8 ms");
  claim("in a group of many, one failure cancels all that still wait", group,
        "A? B? C? D? B! D! A- C- -b-! after 16 ms");
  return program.finish();
}
