// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/stage.hpp"

#include <boost/asio.hpp>

/// The clients of socket_server: client 0 is silent until all others have asked, and from then on as
/// long as they may be served.

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// What the played clients know of the server, and of one another.
struct Day {
  int clients = 0;       // besides the silent one
  pdc::Gauge accepting;  // coroutines that wait for a client
  bool is_silent = true;
  int asked = 0, meanwhile = 0;         // questions; answers while the first client was silent
  int served = 0, right = 0, left = 0;  // clients
};

/// Asks what is no request, and then for a sum.
asio::awaitable<void> visit(Day& day, tcp::socket server, int number);
