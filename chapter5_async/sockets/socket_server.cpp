// Socket server: many clients on one thread, and none of them can harm the others.
//
// Concept   A server reads what others write, and they may write nonsense, too much, half a line or
//           nothing at all. So each connection is a task of its own with limits: for a line, for
//           its silence, for their number. And who is told to end answers first what was asked.
// Shows     async_accept, async_write, async_read_until, dynamic_buffer, co_spawn, raise, SIGTERM
// Python    asyncio.start_server, socketserver.ThreadingTCPServer
// Run       socket_server
// You see   a silent client keeps all others waiting, or nobody; an answer that outlives SIGTERM
// Next      socket_client asks this one; coordinator hands out work over connections

// SPDX-License-Identifier: MIT
#include "../address.hpp"
#include "service.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <fmt/format.h>
#include <boost/asio.hpp>

#include <chrono>
#include <csignal>
#include <exception>
#include <list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
constexpr int good_clients = 3, questions = 3;

/// Wrong on purpose: takes the next client when this one is through.
asio::awaitable<void> serve_one_by_one(Service& service) {
  while (service.acceptor.is_open()) {
    auto [error, socket] = co_await service.acceptor.async_accept(with_error);
    if (!error) co_await service.talk(std::move(socket));
  }
}

/// Each connection is a coroutine of its own, so none waits for another.
asio::awaitable<void> serve_at_once(Service& service) {
  const auto loop = service.acceptor.get_executor();
  while (service.acceptor.is_open()) {
    auto [error, socket] = co_await service.acceptor.async_accept(with_error);
    if (!service.acceptor.is_open()) break;
    asio::steady_timer pause(loop, 50ms);
    if (error)  // out of descriptors, say; there may be one soon
      co_await pause.async_wait(with_error);
    else
      asio::co_spawn(loop, service.talk(std::move(socket)), pdc::rethrow);
  }
}

struct Client {
  tcp::socket socket;
  pdc::Lane lane;
};

/// A service, and what its clients have seen.
struct Day {
  explicit Day(const Limits& limits) : service(loop, limits) {}

  asio::io_context loop;
  Service service;
  std::list<Client> clients;
  int here = 0;      // clients that are not through yet
  int answered = 0;  // questions, as is right, before the silent one was cut
  bool cut = false, hung_up = false, whole = false;
};

/// The next line, an empty one if the server has hung up.
asio::awaitable<std::string> read_answer(Client& client, const char* meanwhile) {
  const auto wait = client.lane.wait("{}", meanwhile);
  std::string answer;
  const auto [error, size] = co_await asio::async_read_until(
      client.socket, asio::dynamic_buffer(answer), '\n', with_error);
  co_return error ? "" : answer;
}

asio::awaitable<void> be_silent(Day& day, Client& client) {
  co_await asio::async_write(client.socket, asio::buffer("{\"sum\":", 7), with_error);
  const std::string answer = co_await read_answer(client, "says no more");
  (day.service.acceptor.is_open() ? day.cut : day.hung_up) = answer.empty();
}

asio::awaitable<void> be_good(Day& day, Client& client) {
  for (int i = 1; i <= questions; ++i) {
    auto wait = client.lane.wait("user");
    asio::steady_timer pause(day.loop, 3ms);
    co_await pause.async_wait(with_error);  // plays a user who thinks
    wait.end();
    const std::string_view line = i == 2 ? "1 and 1?\n" : "{\"sum\":[1,2,3]}\n";
    co_await asio::async_write(client.socket, asio::buffer(line), with_error);
    const std::string answer = co_await read_answer(client, "answer");
    const bool right = answer.starts_with(i == 2 ? "{\"error\":" : "{\"sum\":6}\n");
    if (right && day.service.cuts == 0) ++day.answered;
  }
}

/// Reads nothing until the service has been told to end, and then all.
asio::awaitable<void> be_slow(Day& day, Client& client) {
  const std::vector<long> ones(20'000, 111'111'111'111'111'111), twos(ones.size(), 2 * ones[0]);
  const std::string line = fmt::format("{{\"add\":[[{0}],[{0}]]}}\n", fmt::join(ones, ","));
  client.socket.set_option(tcp::socket::receive_buffer_size(65'536));
  co_await asio::async_write(client.socket, asio::buffer(line), with_error);
  auto wait = client.lane.wait("reads nothing");
  while (day.here > 2 || !day.service.connections.back().is_answering())
    co_await asio::post(asio::use_awaitable);  // forced: the good ones are through, this is not
  day.service.end_on_signal();
  pdc::mark("SIGTERM");
  raise(SIGTERM);
  while (day.service.acceptor.is_open()) co_await asio::post(asio::use_awaitable);
  wait.end();
  const std::string answer = co_await read_answer(client, "reads");
  day.whole = answer == fmt::format("{{\"add\":[{}]}}\n", fmt::join(twos, ","));
}

void enter(Day& day, std::string_view name, auto guest) {
  Client& client =
      day.clients.emplace_back(tcp::socket(day.loop), pdc::Lane(pdc::task, "{}", name));
  client.socket.connect(day.service.endpoint());
  ++day.here;
  asio::co_spawn(day.loop, guest(day, client), [&](std::exception_ptr error) {
    pdc::rethrow(error);
    client.socket.close();
    if (--day.here == 0) day.service.end();  // nobody will come any more
  });
}

void spend(Day& day, asio::awaitable<void> (*serve)(Service&), bool slow) {
  day.service.acceptor.set_option(tcp::socket::send_buffer_size(65'536));
  enter(day, "silent", be_silent);  // first of all
  for (int i = 1; i <= good_clients; ++i) enter(day, fmt::format("good {}", i), be_good);
  if (slow) enter(day, "slow", be_slow);
  asio::co_spawn(day.loop, serve(day.service), pdc::rethrow);
  asio::co_spawn(day.loop, day.service.watch(), pdc::rethrow);
  day.loop.run();
}

void show(pdc::Program& program, const Limits& limits) {
  Day without({.here = limits.here, .idle = 20ms});
  program.scene("one client after the other", spend, without, serve_one_by_one, false);
  Day with({.here = limits.here, .idle = 1h});
  program.scene("all at once, until SIGTERM", spend, with, serve_at_once, true);
  constexpr int all = good_clients * questions;

  pdc::check(without.answered == 0, "one by one: none had an answer before the silent one was cut",
             "{} of {}", without.answered, all);
  pdc::check(without.cut, "the silent one was cut, while the service went on");
  pdc::check(with.answered == all, "at once: all had theirs, and a bad line an error", "{} of {}",
             with.answered, all);
  pdc::check(with.hung_up, "told to end, it hangs up on who says nothing");
  pdc::check(with.whole, "the answer under way arrives whole");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"serve", false, "serve until SIGTERM or SIGINT comes, with the limits below"},
       {"address", std::string("127.0.0.1"), "to listen on"},
       {"port", 0, "to listen on; 0: a free one", {0, 65535}},
       {"line", 1 << 20, "bytes of the longest line", {64, 1 << 26}},
       {"idle", 60.0, "seconds after which a silent client is cut", {0.05, 86400}},
       {"connections", 12000, "connections at the same time", {1, 100'000}}});
  const auto port = static_cast<unsigned short>(program.integer("port"));
  const Limits limits{{address_in(program), port},
                      static_cast<std::size_t>(program.integer("line")),
                      static_cast<std::size_t>(program.integer("connections")),
                      std::chrono::duration<double>(program.real("idle"))};
  program.flag("serve") ? serve_until_told(limits, serve_at_once) : show(program, limits);
  return program.finish();
}
