// Socket server: many clients on one thread, and none of them can harm the others.
//
// Concept   A server reads what others write, and they may write nonsense, too much, half a line or
//           nothing at all. So each connection is a task of its own with limits: for a line, for
//           its silence, for their number. And who is told to end answers first what was asked.
// Shows     async_accept, async_write, async_read_until, dynamic_buffer, co_spawn, raise, SIGTERM
// Python    asyncio.start_server, socketserver.ThreadingTCPServer
// Run       socket_server
// You see   a silent client keeps all others waiting, or nobody; errors that end no connection
// Next      socket_client asks this one; coordinator hands out work over connections

#include "socket_server.hpp"

#include "pdc/deadline.hpp"
#include "pdc/program.hpp"

#include <fmt/ranges.h>
#include <boost/asio.hpp>

#include <chrono>
#include <csignal>
#include <list>
#include <numeric>
#include <string>
#include <vector>

namespace {

using namespace std::chrono_literals;
constexpr int good_clients = 3, requests = 4;
constexpr auto patience = 20ms;  // with the silent one

struct Client {
  Client(Service& service, const std::string& name)
      : socket(service.acceptor.get_executor()), lane(pdc::task, "{}", name) {
    socket.connect(service.acceptor.local_endpoint());
  }

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
  int here = 0;      // clients that are not through yet
  int answered = 0;  // rightly
  int by_then = -1;  // when the silent one was cut
  bool cut = false, lives = false, too_long = false;
  bool idle_ended = false, refused = false, whole = false;
};

/// The next line, an empty one if the server has hung up.
asio::awaitable<std::string> read_answer(Client& client, const char* meanwhile) {
  const auto wait = client.lane.wait("{}", meanwhile);
  const auto [error, size] = co_await asio::async_read_until(
      client.socket, asio::dynamic_buffer(client.unread), '\n', with_error);
  std::string answer = client.unread.substr(0, error ? 0 : size - 1);
  client.unread.erase(0, size);
  co_return answer;
}

asio::awaitable<std::string> ask(Client& client, std::string line) {
  line += '\n';
  co_await asio::async_write(client.socket, asio::buffer(line), with_error);
  co_return co_await read_answer(client, "answer");
}

/// When only the silent one is left, its time is up; when nobody is, the service ends.
void leave(Day& day) {
  if (--day.here > 1) return;
  day.service.limits.idle = patience;
  day.service.watchdog.cancel();
  if (day.here == 0) day.service.end();
}

asio::awaitable<void> be_silent(Day& day, Client& client) {
  co_await asio::async_write(client.socket, asio::buffer("{\"sum\":", 7), with_error);
  const std::string answer = co_await read_answer(client, "says no more");
  day.cut = answer.empty() && day.service.acceptor.is_open();
  day.by_then = day.answered;
  leave(day);
}

asio::awaitable<void> be_good(Day& day, Client& client) {
  for (int i = 1; i <= requests; ++i) {
    asio::steady_timer pause(day.loop, 3ms);
    co_await pause.async_wait(with_error);  // plays a user who thinks
    const std::string answer = co_await ask(client, fmt::format(R"({{"sum":[{},1,1]}})", i));
    day.answered += answer == fmt::format(R"({{"sum":{}}})", i + 2) ? 1 : 0;
  }
  leave(day);
}

asio::awaitable<void> be_wrong(Day& day, Client& client) {
  const std::string error = co_await ask(client, "What is 1 and 2?");
  const std::string answer = co_await ask(client, R"({"add":[[1,2],[3,4]]})");
  day.lives = error.starts_with(R"({"error":)") && answer == R"({"add":[4,6]})";
  leave(day);
}

asio::awaitable<void> be_endless(Day& day, Client& client) {
  const std::string error = co_await ask(client, std::string(day.service.limits.line + 1, '1'));
  const std::string answer = co_await ask(client, R"({"sum":[1,2]})");
  day.too_long = error.starts_with(R"({"error":)") && answer.empty();
  leave(day);
}

asio::awaitable<void> be_gone(Day& day, Client& client) {
  co_await asio::async_write(client.socket, asio::buffer("{\"add\":", 7), with_error);
  client.socket.set_option(tcp::socket::linger(true, 0));
  client.socket.close();  // and the server gets a reset
  leave(day);
}

/// Wrong on purpose: takes the next client when this one is through.
asio::awaitable<void> serve_one_by_one(Service& service) {
  while (service.acceptor.is_open()) {
    auto [error, socket] = co_await service.acceptor.async_accept(with_error);
    if (!error) co_await service.talk(service.take(std::move(socket)));
  }
}

asio::awaitable<void> serve_at_once(Service& service) {
  return service.serve();
}

using Guest = asio::awaitable<void> (*)(Day&, Client&);
void enter(Day& day, const std::string& name, Guest guest) {
  Client& client = day.clients.emplace_back(day.service, name);
  ++day.here;
  asio::co_spawn(day.loop, guest(day, client), asio::detached);
}

void spend(Day& day, asio::awaitable<void> (*serve)(Service&), bool rough) {
  enter(day, "silent", be_silent);  // first of all
  for (int i = 1; i <= good_clients; ++i) enter(day, fmt::format("good {}", i), be_good);
  if (rough) {
    enter(day, "no JSON", be_wrong);
    enter(day, "endless line", be_endless);
    enter(day, "reset", be_gone);
  }
  asio::co_spawn(day.loop, serve(day.service), asio::detached);
  asio::co_spawn(day.loop, day.service.watch(), asio::detached);
  day.loop.run();
}

asio::awaitable<void> be_idle(Day& day, Client& client) {
  const std::string answer = co_await read_answer(client, "says nothing");
  day.idle_ended = answer.empty() && !day.service.acceptor.is_open();
}

/// Asks, reads nothing until the service has been told to end, and then all.
asio::awaitable<void> be_slow(Day& day, Client& client) {
  std::vector<int> numbers(100'000);
  std::iota(numbers.begin(), numbers.end(), 0);
  const auto list = fmt::format("[{}]", fmt::join(numbers, ","));
  for (int& number : numbers) number *= 2;
  const auto right = fmt::format("{{\"add\":[{}]}}", fmt::join(numbers, ","));
  const auto line = fmt::format("{{\"add\":[{0},{0}]}}\n", list);
  co_await asio::async_write(client.socket, asio::buffer(line), with_error);
  auto wait = client.lane.wait("reads nothing");
  while (!day.service.connections.back().is_answering())  // forced: the answer is under way
    co_await asio::post(asio::use_awaitable);
  const tcp::endpoint endpoint = day.service.acceptor.local_endpoint();
  day.service.end_on_signal();
  pdc::mark("SIGTERM");
  raise(SIGTERM);
  while (day.service.acceptor.is_open()) co_await asio::post(asio::use_awaitable);
  error_code error;
  tcp::socket(day.loop).connect(endpoint, error);
  day.refused = error == asio::error::connection_refused;
  wait.end();
  const std::string answer = co_await read_answer(client, "reads");
  day.whole = answer == right;
}

void end_day(Day& day) {
  day.service.acceptor.set_option(tcp::socket::send_buffer_size(16'384));
  enter(day, "idle", be_idle);
  enter(day, "slow", be_slow);
  asio::co_spawn(day.loop, day.service.serve(), asio::detached);
  asio::co_spawn(day.loop, day.service.watch(), asio::detached);
  day.loop.run();
}

/// Until it is told to end.
void serve(const tcp::endpoint& endpoint, const Limits& limits) {
  pdc::set_deadline(0s);
  asio::io_context loop(1);  // one thread: no locks
  Service service(loop, endpoint, limits);
  service.end_on_signal();
  const tcp::endpoint here = service.acceptor.local_endpoint();
  fmt::print("listening on {} port {}\n", here.address().to_string(), here.port());
  std::fflush(stdout);
  asio::co_spawn(loop, service.serve(), asio::detached);
  asio::co_spawn(loop, service.watch(), asio::detached);
  loop.run();
  pdc::check(service.connections.empty(), "told to end, it has left nobody waiting", "{} clients",
             service.served);
}

tcp::endpoint endpoint_of(const pdc::Program& program) {
  error_code error;
  const auto address = asio::ip::make_address(program.word("address"), error);
  if (error) {
    pdc::refuse(fmt::format("--address {}: {}; give one such as 127.0.0.1", program.word("address"),
                            error.message()));
  }
  return {address, static_cast<unsigned short>(program.integer("port"))};
}

Limits limits_of(const pdc::Program& program) {
  return {static_cast<std::size_t>(program.integer("line")),
          static_cast<std::size_t>(program.integer("connections")),
          std::chrono::duration_cast<Clock::duration>(
              std::chrono::duration<double>(program.real("idle")))};
}

void show(pdc::Program& program, const tcp::endpoint& endpoint) {
  Day without(endpoint, {256, 100, patience});
  program.scene("one client after the other", spend, without, serve_one_by_one, false);
  Day with(endpoint, {256, 100, 1h}), last(endpoint, {1 << 22, 100, 1h});
  program.scene("all at once", spend, with, serve_at_once, true);
  program.scene("told to end", end_day, last);
  const int all = good_clients * requests;

  pdc::check(without.by_then == 0, "one by one: none had an answer before the silent one was cut",
             "{} of {}", without.by_then, all);
  pdc::check(with.by_then == all, "at once: all had theirs while the silent one was there",
             "{} of {}", with.by_then, all);
  pdc::check(with.lives, "a bad line gets an error, and the next one its answer");
  pdc::check(with.too_long, "too long a line gets an error, and that is all");
  pdc::check(with.cut, "the silent one was cut, while the service went on");
  pdc::check(last.idle_ended, "told to end, it hangs up on who says nothing");
  pdc::check(last.refused, "and takes no new client");
  pdc::check(last.whole, "but the answer under way arrives whole");
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
  const tcp::endpoint endpoint = endpoint_of(program);
  if (program.flag("serve"))
    serve(endpoint, limits_of(program));
  else
    show(program, endpoint);
  return program.finish();
}
