// Socket client: several clients on one thread ask a server, and none waits for ever.
//
// Concept   To wait for an answer takes no thread: a client that waits is a suspended coroutine, and
//           the others go on. But a server may be away, go in the middle or never answer, so each
//           question ends with its answer, an error, or the end of patience.
// Shows     async_connect, async_write, async_read_until, dynamic_buffer, operator ||, co_spawn
// Python    asyncio.open_connection, StreamReader.readline, asyncio.wait_for
// Run       socket_client --clients 3
// You see   questions that overlap, a bad line that does no harm, and half a line that is given up
// Next      socket_server is the other end; coordinator has clients that work for it

// SPDX-License-Identifier: MIT
#include "../address.hpp"

#include "pdc/program.hpp"
#include "pdc/sibling.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::tcp;
using Patience = std::chrono::nanoseconds;

struct Question {
  std::string line, answer;
};

/// Sums of random numbers, computed here, too; in the middle, nonsense.
std::vector<Question> make_questions(int seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  const long a = static_cast<int>(random()), b = static_cast<int>(random());
  return {{fmt::format("{{\"sum\":[{},{}]}}\n", a, b), fmt::format("{{\"sum\":{}}}\n", a + b)},
          {"1 and 1?\n", "{\"error\":"},
          {fmt::format("{{\"add\":[[{0},{1}],[{1},1]]}}\n", a, b),
           fmt::format("{{\"add\":[{},{}]}}\n", a + b, b + 1)}};
}

struct Day {
  const tcp::endpoint server;
  const int clients, seed;
  const Patience patience;
  asio::io_context loop = {};
  int here = 0, together = 0, right = 0, errors = 0, given_up = 0;  // clients; answers

  [[noreturn]] void fail(const boost::system::error_code& why) const {
    pdc::refuse(fmt::format("connect {} port {}: {}; start socket_server --serve",
                            server.address().to_string(), server.port(), why.message()));
  }
};

asio::awaitable<std::string> ask(tcp::socket& socket, const pdc::Lane& lane, std::string line) {
  auto send = lane.send("{}", line.substr(0, line.find('\n')));
  co_await asio::async_write(socket, asio::buffer(line), asio::use_awaitable);
  send.end();
  auto wait = lane.wait("answer");
  std::string answer;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(answer), '\n', asio::use_awaitable);
  wait.end();
  const auto work = lane.work("reads");
  asio::steady_timer pause(socket.get_executor(), 500us);
  co_await pause.async_wait(asio::use_awaitable);  // plays a user who reads it
  co_return answer;
}

/// False when it took too long: then it is cancelled, its co_await throws.
template <class Result>
asio::awaitable<bool> in_time(asio::awaitable<Result> operation, Patience patience) {
  using asio::experimental::awaitable_operators::operator||;
  asio::steady_timer timer(co_await asio::this_coro::executor, patience);
  const auto first = co_await (std::move(operation) || timer.async_wait(asio::use_awaitable));
  co_return first.index() == 0;
}

/// Questions, and half a line, to which there will be no answer.
asio::awaitable<void> visit(Day& day, int number, pdc::Lane lane) {
  ++day.here;
  try {
    tcp::socket socket(day.loop);
    co_await socket.async_connect(day.server, asio::use_awaitable);
    for (const Question& question : make_questions(day.seed + number)) {
      const std::string answer = co_await ask(socket, lane, question.line);
      if (answer == question.answer) ++day.right;
      if (answer.starts_with("{\"error\":")) ++day.errors;
    }
    if (day.here == day.clients) ++day.together;
    if (!co_await in_time(ask(socket, lane, "half a line"), 3ms)) ++day.given_up;
  } catch (const boost::system::system_error& error) {
    if (error.code() != asio::error::operation_aborted) day.fail(error.code());
  }
}

void visit_all(Day& day) {
  for (int i = 0; i < day.clients; ++i) {
    auto visitor = in_time(visit(day, i, pdc::Lane(pdc::task, "client {}", i)), day.patience);
    asio::co_spawn(day.loop, std::move(visitor), [&](std::exception_ptr, bool ended) {
      if (!ended) day.fail(asio::error::timed_out);
    });
  }
  day.loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"address", std::string("127.0.0.1"), "of the server"},
                        {"port", 0, "of the server; 0: one is started", {0, 65535}},
                        {"clients", 3, "clients", {1, 64}},
                        {"patience", 5.0, "seconds for all answers", {0.05, 3600}},
                        {"seed", 1, "of the random numbers"}});
  const auto address = address_in(program);
  int clients = program.integer("clients"), port = program.integer("port");
  const std::vector<std::string> serve{"--serve", "--address", program.word("address")};
  std::optional<pdc::Sibling> own;
  if (port == 0) port = std::stoi(own.emplace("socket_server", serve).said("port "));
  Day day{{address, static_cast<unsigned short>(port)},
          clients,
          program.integer("seed"),
          Patience(static_cast<long>(1e9 * program.real("patience")))};
  program.scene("clients of one server", visit_all, day);
  if (own) own->send(SIGTERM);
  const pdc::Exit end = own ? own->wait() : pdc::Exit();

  pdc::check(day.together == clients, "none was through before all had come", "{}", day.together);
  pdc::check(day.right == 2 * clients, "all answers were right", "{}", day.right);
  pdc::check(day.errors == clients, "a bad line got an error, in the middle", "{}", day.errors);
  pdc::check(day.given_up == clients, "half a line gets none, and is given up", "{}", day.given_up);
  pdc::check(end.good(), "its own server ended when it was told to", "{}", end.text());
  return program.finish();
}
