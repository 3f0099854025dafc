// Timeouts: what takes too long is given up, and lets go of what it holds.
//
// Concept   To stop waiting is not to stop what one waits for: that goes on, with all that it
//           holds. So the operation and a timer race, and the first of the two cancels the other:
//           its co_await throws, and destructors clean up. What || does can be done by hand: a
//           signal cancels the operation whose handler is bound to its slot.
// Shows     awaitable_operators ||, cancellation_signal, bind_cancellation_slot, steady_timer
// Python    asyncio.wait_for, asyncio.timeout, Task.cancel
// Run       timeouts --clients 3
// You see   one answer comes, the other clients give up: connections left open, and closed ones
// Next      channel is how the answers come; socket_client talks with a real server

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <list>
#include <thread>
#include <variant>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;

constexpr int reply = 42;

/// A question to a server. That of client 0 has answered at once, the others are silent.
struct Request {
  Request(asio::io_context& loop, int client)
      : line(loop, 1),
        limit(loop, client == 0 ? std::chrono::milliseconds(1h) : 20ms),  // plays patience
        client_lane(pdc::task, "client {}", client),
        connection_lane(pdc::task, "connection {}", client) {
    if (client == 0) line.try_send(error_code{}, reply);
  }

  asio::experimental::channel<void(error_code, int)> line;
  asio::steady_timer limit;
  asio::cancellation_signal cancel;
  pdc::Lane client_lane, connection_lane;
  int answer = 0;
  bool open = false;  // the connection
};

/// Closed at the end of its life, whatever ends it.
struct Connection {
  ~Connection() { request.open = false; }

  Request& request;
  const pdc::Span hold;
};

asio::awaitable<int> ask(Request& request) {
  request.open = true;
  const Connection connection{request, request.connection_lane.hold("open")};
  co_return co_await request.line.async_receive(asio::use_awaitable);  // throws when cancelled
}

/// Wrong on purpose: when the time is up the client goes away, and nobody tells ask().
asio::awaitable<void> give_up(Request& request) {
  const auto wait = request.client_lane.wait("answer");
  asio::co_spawn(request.limit.get_executor(), ask(request),
                 [&](std::exception_ptr error, int answer) {
                   pdc::rethrow(error);
                   request.answer = answer;
                   request.limit.cancel();
                 });
  co_await request.limit.async_wait(asio::as_tuple(asio::use_awaitable));
}

asio::awaitable<void> give_up_and_cancel(Request& request) {
  using asio::experimental::awaitable_operators::operator||;
  const auto wait = request.client_lane.wait("answer");
  const auto first = co_await (ask(request) || request.limit.async_wait(asio::use_awaitable));
  if (first.index() == 0) request.answer = std::get<0>(first);
}

/// The same by hand, step by step: who gives up emits a signal, and then waits for the end.
asio::awaitable<void> give_up_and_emit(Request& request) {
  const auto wait = request.client_lane.wait("answer");
  request.limit.async_wait([&](error_code error) {
    if (!error) request.cancel.emit(asio::cancellation_type::terminal);
  });
  auto bound =
      asio::bind_cancellation_slot(request.cancel.slot(), asio::as_tuple(asio::use_awaitable));
  const auto [error, answer] =
      co_await asio::co_spawn(request.limit.get_executor(), ask(request), bound);
  if (!error) request.answer = answer;
  request.limit.cancel();
}

struct Outcome {
  std::ptrdiff_t left_open, in_time, too_late;
  bool operator==(const Outcome&) const = default;
};

Outcome ask_all(int clients, asio::awaitable<void> (*ask_in_time)(Request&)) {
  asio::io_context loop;
  int waiting = clients;
  std::list<Request> requests;
  for (int i = 0; i < clients; ++i) {
    requests.emplace_back(loop, i);
    asio::co_spawn(loop, ask_in_time(requests.back()), [&](std::exception_ptr error) {
      pdc::rethrow(error);
      --waiting;
    });
  }
  while (waiting > 0) loop.run_one();
  const auto left_open = std::ranges::count(requests, true, &Request::open);
  const auto in_time = std::ranges::count(requests, reply, &Request::answer);

  std::this_thread::sleep_for(8ms);  // plays how long the silent servers still take
  pdc::mark("late answers");
  for (Request& request : requests) request.line.try_send(error_code{}, reply);
  loop.run();
  return {left_open, in_time, std::ranges::count(requests, reply, &Request::answer) - in_time};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 3, "clients that ask a server each", {2, 64}}});
  const int clients = program.integer("clients");

  const Outcome without = program.scene("giving up", ask_all, clients, give_up);
  const Outcome with = program.scene("cancelling", ask_all, clients, give_up_and_cancel);
  const Outcome by_hand = program.scene("by hand", ask_all, clients, give_up_and_emit);

  pdc::check(without.left_open == clients - 1, "given up, the connections stayed open", "{} of {}",
             without.left_open, clients - 1);
  pdc::check(without.too_late == clients - 1, "after giving up, answers came too late", "{}",
             without.too_late);
  pdc::check(with.left_open == 0, "cancelled, they were closed", "{} open", with.left_open);
  pdc::check(with.in_time == 1 && with.too_late == 0,
             "after cancelling, one answer was kept, that in time");
  pdc::check(by_hand == with, "by hand it comes to the same", "{} open", by_hand.left_open);
  return program.finish();
}
