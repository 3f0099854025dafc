#pragma once

#include "connection.hpp"

#include "pdc/program.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <list>
#include <utility>

struct Limits {
  std::size_t line = 1 << 20;  // bytes
  std::size_t connections = 12'000;
  Clock::duration idle = std::chrono::minutes(1);
};

/// The service of socket_server.cpp: takes connections, cuts those who say nothing for too long, and
/// ends. Errors: ends the program with status 3 when it cannot listen.
class Service {
 public:
  using Place = std::list<Connection>::iterator;

  Service(asio::io_context& loop, const tcp::endpoint& endpoint, const Limits& most)
      : limits(most), acceptor(loop), watchdog(loop), signals(loop) {
    rlimit files{};  // each connection takes one
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    limits.connections = std::min<std::size_t>(most.connections, files.rlim_cur - 32);
    error_code error;
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address(true));
    acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) return;
    const bool address = error == boost::system::errc::address_not_available;
    pdc::refuse(fmt::format("bind {} port {}: {}; choose another --{}",
                            endpoint.address().to_string(), endpoint.port(), error.message(),
                            address ? "address" : "port"));
  }

  bool is_full() const { return connections.size() >= limits.connections; }

  Place take(tcp::socket socket) {
    ++served;
    return connections.emplace(connections.end(), std::move(socket));
  }

  asio::awaitable<void> talk(Place connection) {
    co_await connection->talk(limits.line);
    connections.erase(connection);
    if (!acceptor.is_open()) watchdog.cancel();
  }

  /// One more than can be served.
  static void turn_away(tcp::socket socket) {
    error_code ignored;  // it may be gone already
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer("{\"error\":\"too many connections\"}\n", 33), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// A client may hold a connection, but not for nothing; here, up to an eighth longer than said.
  asio::awaitable<void> watch() {
    while (acceptor.is_open() || !connections.empty()) {
      watchdog.expires_after(limits.idle / 8);
      co_await watchdog.async_wait(with_error);
      const Clock::time_point latest = Clock::now() - limits.idle;
      for (Connection& connection : connections) {
        if (connection.since() > latest) continue;
        connection.cut();
        ++cuts;
      }
    }
  }

  void end_on_signal() {
    signals.add(SIGINT);
    signals.add(SIGTERM);
    signals.async_wait([this](error_code error, int) {
      if (!error) end();
    });
  }

  /// No new clients; what the others have asked by now is answered.
  void end() {
    acceptor.close();
    for (Connection& connection : connections) connection.end();
    watchdog.cancel();
    signals.cancel();
  }

  Limits limits;
  tcp::acceptor acceptor;
  std::list<Connection> connections;
  long served = 0, cuts = 0;  // clients in all, and those that were cut
  asio::steady_timer watchdog;
  asio::signal_set signals;
};
