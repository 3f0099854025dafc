// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <string>
#include <vector>

/// What socket_client asks a server that answers.

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Patience = asio::steady_timer::duration;

/// A connection, and how its last call ended.
struct Client {
  tcp::socket socket;
  pdc::Lane lane{pdc::task, "client"};
  error_code error = {};
  std::string answer = {};            // the last one
  std::vector<std::string> got = {};  // what stood in all of them
};

struct Calls {
  asio::awaitable<void> (*connect)(Client&, tcp::endpoint server);
  asio::awaitable<void> (*ask)(Client&, std::string line);
  asio::awaitable<void> (*with_patience)(Client&, asio::awaitable<void> call, Patience);
};

/// Asks for a sum, then nonsense, then for another sum, and ends at the first error. Returns what was
/// answered. Errors: ends the program with status 3 when there is no server.
std::vector<std::string> ask_good_server(tcp::endpoint server, Patience patience,
                                         const Calls& calls);
