// Socket client: it asks a server, and does not wait for ever.
//
// Concept   A server may hang up, which ends the wait with an error. Or it may never answer, and then
//           nothing tells the client. So a question has three ends: an answer, an error, or the end of
//           patience, a timer that it races against. Whichever ends first cancels the other.
// Shows     async_connect, async_write, async_read_until, dynamic_buffer, operator ||, co_spawn
// Python    asyncio.open_connection, StreamReader.readline, asyncio.wait_for
// Run       socket_client --patience 5
// You see   a client that waits until a silent server hangs up, and one that gives up; sums, and an error
// Next      line_limits is about clients that keep a server waiting; socket_server is the other end

// SPDX-License-Identifier: MIT
#include "../address.hpp"
#include "good_server.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"
#include "pdc/sibling.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <optional>
#include <utility>

namespace {

using namespace std::chrono_literals;
constexpr std::size_t longest_answer = 1 << 16;  // bytes: one without an end fills no memory

// Both calls keep an error and do not throw it: || waits for the first success, so it would hold an
// exception back until patience is over, and then drop it.

asio::awaitable<void> connect(Client& client, tcp::endpoint server) {
  auto keep_error = asio::redirect_error(asio::use_awaitable, client.error);
  co_await client.socket.async_connect(server, keep_error);
}

// The line by value: the coroutine begins when its caller's temporaries are gone.
asio::awaitable<void> ask(Client& client, std::string line) {
  auto keep_error = asio::redirect_error(asio::use_awaitable, client.error);
  co_await asio::async_write(client.socket, asio::buffer(line), keep_error);
  if (client.error) co_return;
  auto wait = client.lane.wait("answer");
  client.answer.clear();
  auto answer = asio::dynamic_buffer(client.answer, longest_answer);
  co_await asio::async_read_until(client.socket, answer, '\n', keep_error);
  if (client.error == asio::error::not_found) client.error = asio::error::message_size;  // no '\n'
  if (client.error) wait.rename("{}", client.error.message());
}

/// Wrong on purpose: only the server can end it.
asio::awaitable<void> without_patience(Client&, asio::awaitable<void> call, Patience) {
  co_await std::move(call);
}

/// The call and a timer race: the first to end cancels the other, and both have ended here.
asio::awaitable<void> with_patience(Client& client, asio::awaitable<void> call, Patience patience) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(client.socket.get_executor(), patience);
  const auto first = co_await (std::move(call) || timer.async_wait(asio::use_awaitable));
  if (first.index() == 1) client.error = asio::error::timed_out;
}

using Way = asio::awaitable<void>(Client&, asio::awaitable<void> call, Patience);

/// The kernel connects the client, but the server never accepts, so no answer can come. Returns how
/// the question ended.
error_code ask_silent_server(Way& way) {
  asio::io_context loop;
  tcp::acceptor server(loop, {asio::ip::address_v4::loopback(), 0});
  Client client{tcp::socket(loop)};
  client.socket.connect(server.local_endpoint());
  constexpr auto patience = 20ms;
  asio::co_spawn(loop, way(client, ask(client, "Hello?\n"), patience), pdc::rethrow);
  loop.poll();     // it has asked
  loop.restart();  // in case it has given up already

  // A loop calls its timers in the order of their expiries, so all patience is over before evening.
  asio::steady_timer evening(loop, 3 * patience);
  evening.async_wait([&](error_code) {
    pdc::mark("server hangs up");
    server.close();
  });
  loop.run();  // what still waits in the evening ends then, and says so
  return client.error;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"address", std::string("127.0.0.1"), "of the server"},
                        {"port", 0, "of the server; 0: one is started", {0, 65535}},
                        {"patience", 5.0, "seconds for each call", {0.05, 3600}}});
  const auto address = address_in(program);
  const std::chrono::duration<double> patience(program.real("patience"));

  // 1. A server that never answers.
  const error_code without = program.scene("without patience", ask_silent_server, without_patience);
  const error_code with = program.scene("with patience", ask_silent_server, with_patience);

  // 2. One that answers: the program beside this one, or what listens on --port.
  int port = program.integer("port");
  const std::vector<std::string> serve{"--serve", "--address", program.word("address")};
  std::optional<pdc::Sibling> own;
  if (port == 0) port = std::stoi(own.emplace("socket_server", serve).said("port "));
  const tcp::endpoint server(address, static_cast<unsigned short>(port));
  const auto got = program.scene("a server that answers", ask_good_server, server,
                                 std::chrono::duration_cast<Patience>(patience),
                                 Calls{connect, ask, with_patience});

  // 3. The claims.
  pdc::check(without == asio::error::connection_reset,
             "without patience, the client waits until the silent server hangs up", "{}",
             without.message());
  pdc::check(with == asio::error::timed_out,
             "with patience, the client gives up, and leaves no question behind", "{}",
             with.message());
  pdc::check(got == std::vector<std::string>{"42", "error", "5"},
             "from a server that answers: a sum, an error for the bad line, and another sum", "{}",
             pdc::join(got));
  return program.finish();
}
