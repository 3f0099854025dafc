// SPDX-License-Identifier: MIT
#include "serving.hpp"

#include "listening.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/process.hpp"

#include <sys/resource.h>

#include <csignal>
#include <limits>

using namespace std::chrono_literals;
using asio::ip::tcp;

namespace {

asio::awaitable<void> accept_all(tcp::acceptor& acceptor, const Take& take) {
  asio::steady_timer pause(acceptor.get_executor());
  while (acceptor.is_open()) {
    auto [error, client] = co_await acceptor.async_accept(with_error);
    if (error && acceptor.is_open()) {  // no descriptor is left, say: there may be one soon
      pause.expires_after(100ms);
      co_await pause.async_wait(with_error);
    }
    if (error || !acceptor.is_open()) continue;
    client.set_option(tcp::no_delay(true), error);
    const tcp::endpoint peer = client.remote_endpoint(error);
    if (!error) take(std::move(client), peer_of(peer.address()).to_string());  // else it has gone
  }
}

}  // namespace

void serve(asio::io_context& loop, const tcp::endpoint& here, Server& server, const Take& take) {
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  tcp::acceptor acceptor = listen(loop, here);
  signals.async_wait([&](error_code, int) {
    signals.clear();
    acceptor.close();
    server.end();
  });
  asio::co_spawn(loop, accept_all(acceptor, take), pdc::rethrow);
  const auto begin = std::chrono::steady_clock::now();
  while (acceptor.is_open() || server.size() > 0) {
    loop.run_for(50ms);
    server.set_time(std::chrono::duration_cast<Time>(std::chrono::steady_clock::now() - begin));
  }
}

Limits limits_in(const pdc::Program& program) {
  const auto time = [&](std::string_view option) {
    return std::chrono::duration_cast<Time>(std::chrono::duration<double>(program.real(option)));
  };
  return {static_cast<std::size_t>(program.integer("line")), time("time"), time("silence")};
}

int count_descriptors() {
  constexpr rlim_t of_the_server = 16;  // its own, and one to turn a client away
  rlimit allowed{};
  pdc::posix(getrlimit(RLIMIT_NOFILE, &allowed), "getrlimit");
  allowed.rlim_cur = allowed.rlim_max;
  pdc::posix(setrlimit(RLIMIT_NOFILE, &allowed), "setrlimit");
  const rlim_t left = std::max(allowed.rlim_cur, of_the_server + 1) - of_the_server;
  return static_cast<int>(std::min<rlim_t>(left, std::numeric_limits<int>::max()));
}
