// Graceful shutdown: told to end, a server answers what it has accepted, and only then hangs up.
//
// Concept   When a server is stopped, to be updated, say, clients are waiting for answers. If it just
//           ends, the answers are lost. So on SIGTERM it accepts no more clients, reads once more
//           what has come by then, answers all of it, and hangs up last. A second one ends it at once.
// Shows     signals.async_wait, signals.clear, acceptor.close, cancel, available, shutdown
// Python    loop.add_signal_handler, asyncio.Server.close
// Run       graceful_shutdown --clients 3
// You see   no answer arrives when the server just ends, and all arrive when it ends gracefully
// Next      backoff is how clients come back to a server that was away

// SPDX-License-Identifier: MIT
#include "shutdown_day.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <array>
#include <utility>

namespace {

using namespace std::chrono_literals;
constexpr std::size_t longest_line = 1 << 16;  // bytes

/// Plays a slow database: what is asked before the signal is answered after it.
asio::awaitable<std::string> look_up(Server& server, std::string question) {
  ++server.begun;
  while (!server.is_told) co_await asio::post(asio::use_awaitable);
  asio::steady_timer timer(server.loop, 3ms);
  co_await timer.async_wait(asio::use_awaitable);
  co_return "answer to " + question;
}

/// Answers line by line, until the client has said all, or the server is told to end.
asio::awaitable<void> talk(Server& server, std::list<Session>::iterator session, pdc::Lane lane) {
  auto& [client, is_reading] = *session;
  std::string unread;
  error_code error;
  for (bool is_last = false; !is_last;) {
    is_last = server.is_told;
    if (is_last) {  // what has come by now is still answered; what comes later is not
      const auto come = asio::transfer_exactly(client.available(error));
      asio::read(client, asio::dynamic_buffer(unread), come, error);
    } else {
      is_reading = true;
      const auto [end, size] = co_await asio::async_read_until(
          client, asio::dynamic_buffer(unread, longest_line), '\n', with_error);
      is_reading = false;
      is_last = end && !server.is_told;  // it has said all, or is gone
    }
    for (auto end = unread.find('\n'); end != unread.npos; end = unread.find('\n')) {
      const auto work = lane.work("answers");
      const std::string answer = co_await look_up(server, unread.substr(0, end + 1));
      unread.erase(0, end + 1);
      co_await asio::async_write(client, asio::buffer(answer), with_error);
    }
  }
  // To close it now, with bytes unread, would be a reset, and could take answers with it.
  client.shutdown(tcp::socket::shutdown_send, error);
  std::array<char, 512> ignored;
  while (!error) {
    co_await client.async_read_some(asio::buffer(ignored),
                                    asio::redirect_error(asio::use_awaitable, error));
  }
  server.sessions.erase(session);
}

asio::awaitable<void> accept_all(Server& server) {
  for (int number = 0;; ++number) {
    auto [error, client] = co_await server.acceptor.async_accept(with_error);
    if (!server.acceptor.is_open()) co_return;
    if (error) throw boost::system::system_error(error, "accept");  // no descriptor is left, say
    const auto session = server.sessions.insert(server.sessions.end(), {std::move(client)});
    const pdc::Lane lane(pdc::task, "serves client {}", number);
    asio::co_spawn(server.loop, talk(server, session, lane), pdc::rethrow);
  }
}

/// Wrong on purpose: what the system does when a process just ends.
void end_at_once(Server& server) {
  server.acceptor.close();
  for (Session& session : server.sessions) session.client.close();
  pdc::fault("answers lost");
}

void end_gracefully(Server& server) {
  server.signals.clear();  // a second signal ends the process, as it does by default
  server.acceptor.close();
  for (Session& session : server.sessions) {
    if (session.is_reading) session.client.cancel();  // never what is being written
  }
}

void spend(Day& day, void (&end)(Server&)) {
  Server server;
  server.signals.async_wait([&](error_code error, int) {
    server.is_told = !error;
    if (server.is_told) end(server);
  });
  asio::co_spawn(server.loop, accept_all(server), pdc::rethrow);
  for (int i = 0; i < day.clients; ++i)
    asio::co_spawn(server.loop, visit(server, day, pdc::Lane("client {}", i)), pdc::rethrow);
  asio::co_spawn(server.loop, idle(server, day, pdc::Lane("idle client")), pdc::rethrow);
  asio::co_spawn(server.loop, stop(server, day), pdc::rethrow);
  while (day.left <= day.clients) server.loop.run_one();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 3, "clients that ask twice each", {1, 64}}});
  Day without{program.integer("clients")}, with = without;
  const int asked = 2 * with.clients;

  program.scene("ended at once", spend, without, end_at_once);
  program.scene("ended gracefully", spend, with, end_gracefully);

  pdc::check(without.answered == 0,
             "ended at once, the server answers nothing that it has accepted", "{} of {} answers",
             without.answered, asked);
  pdc::check(with.answered == asked, "ended gracefully, it answers all that it has accepted",
             "{} of {} answers", with.answered, asked);
  pdc::check(with.is_released, "told to end, it hangs up on a client that asks nothing");
  pdc::check(with.is_refused, "told to end, the server accepts no client any more");
  return program.finish();
}
