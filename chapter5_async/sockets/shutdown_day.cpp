// SPDX-License-Identifier: MIT
#include "shutdown_day.hpp"

#include <algorithm>
#include <chrono>

using namespace std::chrono_literals;

asio::awaitable<void> visit(Server& server, Day& day, pdc::Lane lane) {
  tcp::socket socket(server.loop);
  socket.connect(server.acceptor.local_endpoint());
  const auto wait = lane.wait("answers");
  co_await asio::async_write(socket, asio::buffer("1\n", 2), with_error);
  while (server.begun < day.clients && !server.is_told) co_await asio::post(asio::use_awaitable);
  co_await asio::async_write(socket, asio::buffer("2\n", 2), with_error);
  ++day.asked;
  std::string answers;
  co_await asio::async_read(socket, asio::dynamic_buffer(answers), with_error);
  if (answers.starts_with("answer to 1\n")) ++day.answered;
  if (answers.ends_with("answer to 2\n")) ++day.answered;
  ++day.left;
}

asio::awaitable<void> idle(Server& server, Day& day, pdc::Lane lane) {
  tcp::socket socket(server.loop);
  socket.connect(server.acceptor.local_endpoint());
  const auto wait = lane.wait("hears nothing");
  co_await socket.async_wait(tcp::socket::wait_read, with_error);
  day.is_released = true;
}

/// If another signal came before, it sends its own at once, as a second one.
asio::awaitable<void> stop(Server& server, Day& day) {
  const tcp::endpoint here = server.acceptor.local_endpoint();
  const auto has_come = [](const Session& session) { return session.client.available() > 0; };
  const auto is_reading = [](const Session& session) { return session.is_reading; };
  while (!server.is_told && (day.asked < day.clients ||
                             std::ranges::count_if(server.sessions, has_come) < day.clients ||
                             std::ranges::count_if(server.sessions, is_reading) < 1))
    co_await asio::post(asio::use_awaitable);
  asio::steady_timer timer(server.loop, 3ms);
  co_await timer.async_wait(asio::use_awaitable);  // plays the operator, for the picture alone
  pdc::mark("SIGTERM");
  std::raise(SIGTERM);
  while (!server.is_told) co_await asio::post(asio::use_awaitable);
  error_code error;
  const tcp::endpoint elsewhere(asio::ip::make_address("127.0.0.2"), 0);
  tcp::socket(server.loop, elsewhere).connect(here, error);  // else it could meet itself
  day.is_refused = error == asio::error::connection_refused;
  ++day.left;
}
