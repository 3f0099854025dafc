// SPDX-License-Identifier: MIT
#pragma once

#include "connection.hpp"

#include "pdc/check.hpp"
#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"
#include "pdc/refuse.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <list>
#include <string>
#include <utility>

struct Limits {
  tcp::endpoint here;          // port 0: a free one
  std::size_t line = 1 << 20;  // bytes
  std::size_t connections = 12'000;
  std::chrono::duration<double> idle = std::chrono::minutes(1);
};

/// Talks with all clients, cuts those who say nothing for too long, and ends. Errors: ends the
/// program with status 3 when it cannot listen.
class Service {
 public:
  Service(asio::io_context& loop, const Limits& most)
      : limits(most), acceptor(loop), watchdog(loop), signals(loop) {
    rlimit files{};  // each connection takes one
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    limits.connections = std::min<std::size_t>(most.connections, files.rlim_cur - 32);
    listen();
  }

  /// As long as the client is there.
  asio::awaitable<void> talk(tcp::socket socket) {
    if (connections.size() >= limits.connections) co_return turn_away(socket);
    const auto place = connections.emplace(connections.end(), std::move(socket));
    co_await place->talk(limits.line);
    connections.erase(place);
    if (!acceptor.is_open()) watchdog.cancel();
  }

  /// A client may hold a connection, but not for nothing; here, up to an eighth longer than said.
  asio::awaitable<void> watch() {
    while (acceptor.is_open() || !connections.empty()) {
      watchdog.expires_after(std::chrono::duration_cast<Clock::duration>(limits.idle / 8));
      co_await watchdog.async_wait(with_error);
      const auto latest = Clock::now() - limits.idle;
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

  tcp::endpoint endpoint() const { return acceptor.local_endpoint(); }

  Limits limits;
  tcp::acceptor acceptor;
  std::list<Connection> connections;
  long cuts = 0;  // clients that were cut
  asio::steady_timer watchdog;
  asio::signal_set signals;

 private:
  static void turn_away(tcp::socket& socket) {
    error_code ignored;  // it may be gone already
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer("{\"error\":\"too many connections\"}\n", 33), ignored);
    socket.shutdown(tcp::socket::shutdown_send, ignored);
  }

  void listen() {
    error_code error;
    acceptor.open(limits.here.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(limits.here, error);
    if (!error) acceptor.listen(tcp::acceptor::max_listen_connections, error);
    if (!error) return;
    const bool in_use = error == asio::error::address_in_use || error == asio::error::access_denied;
    pdc::refuse(fmt::format("bind {} port {}: {}; choose another --{}",
                            limits.here.address().to_string(), limits.here.port(), error.message(),
                            in_use ? "port" : "address"));
  }
};

/// Until SIGTERM or SIGINT comes.
inline void serve_until_told(const Limits& limits, asio::awaitable<void> (*serve)(Service&)) {
  pdc::set_deadline(std::chrono::seconds(0));
  asio::io_context loop(1);  // one thread: no locks
  Service service(loop, limits);
  service.end_on_signal();
  const tcp::endpoint here = service.endpoint();
  fmt::print("listening on {} port {}\n", here.address().to_string(), here.port());
  std::fflush(stdout);
  asio::co_spawn(loop, serve(service), pdc::rethrow);
  asio::co_spawn(loop, service.watch(), pdc::rethrow);
  loop.run();
  pdc::check(service.connections.empty(), "told to end, it has left nobody waiting");
}
