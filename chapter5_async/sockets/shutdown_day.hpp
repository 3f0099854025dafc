// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <csignal>
#include <list>
#include <string>

/// The server of graceful_shutdown, and the clients that are there when it is told to end. They are
/// played in a source file of their own.

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

struct Session {
  tcp::socket client;
  bool is_reading = false;
};

struct Server {
  asio::io_context loop;
  tcp::acceptor acceptor{loop, {asio::ip::address_v4::loopback(), 0}};
  asio::signal_set signals{loop, SIGTERM};
  std::list<Session> sessions = {};
  bool is_told = false;  // to end
  int begun = 0;         // answers
};

/// What the played clients have seen.
struct Day {
  int clients;
  int asked = 0, answered = 0, left = 0;
  bool is_refused = false;   // a client that comes after the signal
  bool is_released = false;  // a client that asks nothing
};

/// Asks again while the first answer is under way, and waits until the server hangs up.
asio::awaitable<void> visit(Server& server, Day& day, pdc::Lane lane);

/// Asks nothing, and waits until the server hangs up.
asio::awaitable<void> idle(Server& server, Day& day, pdc::Lane lane);

/// Raises SIGTERM when each client's second question has arrived behind the first one, and the
/// server waits for a line of the idle client. Then comes as one more client.
asio::awaitable<void> stop(Server& server, Day& day);
