// SPDX-License-Identifier: MIT
#include "silent_client.hpp"

#include "pdc/timeline.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

asio::awaitable<void> keep_silent(Day& day, pdc::Lane lane) {
  const auto silence = lane.work("says nothing");
  while (day.asked < day.clients || (day.served < day.clients && day.accepting.inside() > 0))
    co_await asio::post(asio::use_awaitable);
  asio::steady_timer timer(co_await asio::this_coro::executor, 10ms);
  co_await timer.async_wait(asio::use_awaitable);  // plays a user who is busy elsewhere
  day.is_silent = false;
}

}  // namespace

asio::awaitable<void> visit(Day& day, tcp::socket server, int number) {
  const pdc::Lane lane(pdc::task, "client {}", number);
  if (number == 0) co_await keep_silent(day, lane);
  std::string answers;
  for (const std::string_view line : {"1 and 2?\n", "{\"sum\":[1,2]}\n"}) {
    co_await asio::async_write(server, asio::buffer(line), with_error);
    ++day.asked;
    const auto wait = lane.wait("answer");
    std::string answer;
    co_await asio::async_read_until(server, asio::dynamic_buffer(answer), '\n', with_error);
    if (day.is_silent && !answer.empty()) ++day.meanwhile;
    answers += answer;
  }
  if (answers.starts_with("{\"error\":") && answers.ends_with("}\n{\"sum\":3}\n")) ++day.right;
  if (number > 0) ++day.served;
  ++day.left;
}
