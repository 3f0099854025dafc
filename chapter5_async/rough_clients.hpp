#pragma once

#include "socket_server.hpp"

#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <csignal>
#include <list>
#include <string>

/// The clients of socket_server.cpp: good ones, and such as every server meets.

constexpr int requests = 4;                        // of each good client
constexpr std::chrono::milliseconds patience(20);  // with a silent one

struct Client {
  tcp::socket socket;
  pdc::Lane lane;
  std::string unread = {};
};

/// A service, its clients, and what they have seen.
struct Day {
  Day(const tcp::endpoint& endpoint, const Limits& limits) : service(loop, endpoint, limits) {}

  asio::io_context loop;
  Service service;
  std::list<Client> clients;
  int here = 0;                      // clients that are not through yet
  int answered = 0, meanwhile = 0;   // rightly; and those before the silent one was cut
  bool lives = false, ends = false;  // after a bad line, after too long a one
  bool cut = false, idle_ended = false, refused = false, whole = false;
};

/// The next line, an empty one if the server has hung up.
inline asio::awaitable<std::string> read_answer(Client& client, const char* meanwhile) {
  auto wait = client.lane.wait("{}", meanwhile);
  const auto [error, size] = co_await asio::async_read_until(
      client.socket, asio::dynamic_buffer(client.unread), '\n', with_error);
  wait.end();
  if (error) co_return "";
  std::string answer = client.unread.substr(0, size - 1);
  client.unread.erase(0, size);
  const auto receive = client.lane.receive("{}", answer);
  co_return answer;
}

inline asio::awaitable<std::string> ask(Client& client, std::string line) {
  line += '\n';
  co_await asio::async_write(client.socket, asio::buffer(line), with_error);
  co_return co_await read_answer(client, "answer");
}

/// When only the silent one is left its time is up; when nobody is, the service ends.
inline void leave(Day& day, Client& client) {
  client.socket.close();
  if (--day.here > 1) return;
  day.service.limits.idle = patience;
  day.service.watchdog.cancel();
  if (day.here == 0) day.service.end();
}

inline asio::awaitable<void> be_silent(Day& day, Client& client) {
  co_await asio::async_write(client.socket, asio::buffer("{\"sum\":", 7), with_error);
  const std::string answer = co_await read_answer(client, "says no more");
  day.cut = answer.empty() && day.service.cuts > 0;
  leave(day, client);
}

inline asio::awaitable<void> be_good(Day& day, Client& client) {
  for (int i = 1; i <= requests; ++i) {
    auto wait = client.lane.wait("user");
    asio::steady_timer pause(day.loop, std::chrono::milliseconds(3));
    co_await pause.async_wait(with_error);  // plays a user who thinks
    wait.end();
    const std::string answer = co_await ask(client, fmt::format(R"({{"sum":[{},1,1]}})", i));
    if (answer != fmt::format(R"({{"sum":{}}})", i + 2)) continue;
    ++day.answered;
    if (day.service.cuts == 0) ++day.meanwhile;
  }
  leave(day, client);
}

inline asio::awaitable<void> be_wrong(Day& day, Client& client) {
  const std::string error = co_await ask(client, "1 and 1?");
  const std::string answer = co_await ask(client, R"({"add":[[1,2],[3,4]]})");
  day.lives = error.starts_with(R"({"error":)") && answer == R"({"add":[4,6]})";
  leave(day, client);
}

inline asio::awaitable<void> be_endless(Day& day, Client& client) {
  const std::string error = co_await ask(client, std::string(day.service.limits.line + 1, '1'));
  const std::string answer = co_await ask(client, R"({"sum":[1,2]})");
  day.ends = error.starts_with(R"({"error":)") && answer.empty();
  leave(day, client);
}

inline asio::awaitable<void> be_gone(Day& day, Client& client) {
  co_await asio::async_write(client.socket, asio::buffer("{\"add\":", 7), with_error);
  const auto work = client.lane.work("resets");
  client.socket.set_option(tcp::socket::linger(true, 0));  // the server gets a reset
  leave(day, client);
}

inline asio::awaitable<void> be_idle(Day& day, Client& client) {
  const std::string answer = co_await read_answer(client, "says nothing");
  day.idle_ended = answer.empty() && !day.service.acceptor.is_open();
}

using Guest = asio::awaitable<void> (*)(Day&, Client&);

inline void enter(Day& day, const std::string& name, Guest guest) {
  Client& client =
      day.clients.emplace_back(Client{tcp::socket(day.loop), pdc::Lane(pdc::task, "{}", name)});
  client.socket.connect(day.service.acceptor.local_endpoint());
  ++day.here;
  asio::co_spawn(day.loop, guest(day, client), asio::detached);
}
