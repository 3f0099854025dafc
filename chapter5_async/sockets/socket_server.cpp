// Socket server: it serves many clients on one thread, with one coroutine for each.
//
// Concept   A server that stays with one client until that client has left is stopped by the first
//           one that says nothing. With a coroutine for each client it still reads and answers line
//           by line, but a coroutine that waits for its client keeps no other client waiting.
// Shows     async_accept, co_spawn, async_read_until, dynamic_buffer, async_write
// Python    asyncio.start_server
// Run       socket_server --clients 3
// You see   a silent client that keeps all others waiting, and one that keeps nobody waiting
// Next      socket_client asks this server, and not for ever; line_limits defends it

// SPDX-License-Identifier: MIT
#include "listening.hpp"
#include "silent_client.hpp"
#include "sums.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::size_t longest_line = 1 << 24;  // bytes

using Answer = std::string(std::string_view line);

/// Answers line by line, until the client has said all or is gone.
asio::awaitable<void> talk(tcp::socket client, Answer& answer, pdc::Lane lane) {
  error_code ignored;                               // the client may be gone already
  client.set_option(tcp::no_delay(true), ignored);  // an answer waits for nothing else to be sent
  std::string unread;
  for (;;) {
    auto wait = lane.wait("a line");
    const auto [end, size] = co_await asio::async_read_until(
        client, asio::dynamic_buffer(unread, longest_line), '\n', with_error);
    if (end) co_return;
    wait.end();
    const auto work = lane.work("answers");
    const std::string said = answer(std::string_view(unread).substr(0, size));
    unread.erase(0, size);  // what has come behind that line stays for the next turn
    const auto [gone, sent] = co_await asio::async_write(client, asio::buffer(said), with_error);
    if (gone) co_return;
  }
}

asio::awaitable<tcp::socket> accept(tcp::acceptor& acceptor, Day& day) {
  const auto visit = day.accepting.visit();
  co_return co_await acceptor.async_accept(asio::use_awaitable);
}

/// Wrong on purpose: it accepts the next client when this one has left.
asio::awaitable<void> serve_one_by_one(tcp::acceptor acceptor, Answer& answer, Day& day) {
  for (int number = 0;; ++number) {
    tcp::socket client = co_await accept(acceptor, day);
    co_await talk(std::move(client), answer, pdc::Lane(pdc::task, "serves client {}", number));
  }
}

asio::awaitable<void> serve_at_once(tcp::acceptor acceptor, Answer& answer, Day& day) {
  for (int number = 0;; ++number) {
    tcp::socket client = co_await accept(acceptor, day);
    const pdc::Lane lane(pdc::task, "serves client {}", number);
    asio::co_spawn(acceptor.get_executor(), talk(std::move(client), answer, lane), pdc::rethrow);
  }
}

void spend(Day& day, asio::awaitable<void> (&serve)(tcp::acceptor, Answer&, Day&)) {
  asio::io_context loop;
  tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
  const tcp::endpoint here = acceptor.local_endpoint();
  asio::co_spawn(loop, serve(std::move(acceptor), answer_line, day), pdc::rethrow);
  for (int i = 0; i <= day.clients; ++i) {
    tcp::socket server(loop);
    server.connect(here);
    asio::co_spawn(loop, visit(day, std::move(server), i), pdc::rethrow);
  }
  while (day.left <= day.clients) loop.run_one();
}  // ~io_context ends the server

void serve_until_killed(const tcp::endpoint& here) {
  asio::io_context loop(1);  // one thread: no locks
  Day day;
  asio::co_spawn(loop, serve_at_once(listen(loop, here), answer_line, day), pdc::rethrow);
  loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"clients", 3, "clients besides the silent one", {1, 64}},
                        {"serve", false, "serve until SIGINT or SIGTERM comes"},
                        {"address", std::string("127.0.0.1"), "to listen on"},
                        {"port", 0, "to listen on; 0: a free one", {0, 65535}}});
  const tcp::endpoint here = endpoint_in(program);
  if (program.flag("serve")) serve_until_killed(here);
  Day without, with;
  without.clients = with.clients = program.integer("clients");

  program.scene("one client after the other", spend, without, serve_one_by_one);
  program.scene("a coroutine for each client", spend, with, serve_at_once);

  pdc::check(without.meanwhile == 0,
             "one after the other, nobody is answered while the first client is silent",
             "{} answers", without.meanwhile);
  pdc::check(with.meanwhile == 2 * with.clients,
             "with a coroutine for each client, all others are answered while the first is silent",
             "{} answers", with.meanwhile);
  pdc::check(with.right == 1 + with.clients,
             "each client has an error for a line that is no request, and then its sum",
             "{} clients", with.right);
  return program.finish();
}
