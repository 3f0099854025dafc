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
#include "rough_clients.hpp"

#include "pdc/deadline.hpp"
#include "pdc/program.hpp"

#include <malloc.h>

#include <boost/asio.hpp>

#include <chrono>
#include <csignal>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;
constexpr int good_clients = 3;

/// Wrong on purpose: takes the next client when this one is through.
asio::awaitable<void> serve_one_by_one(Service& service) {
  while (service.acceptor.is_open()) {
    auto [error, socket] = co_await service.acceptor.async_accept(with_error);
    if (!error) co_await service.talk(service.take(std::move(socket)));
  }
}

/// Each connection is a coroutine of its own, so none waits for another.
asio::awaitable<void> serve_at_once(Service& service) {
  const auto loop = service.acceptor.get_executor();
  while (service.acceptor.is_open()) {
    auto [error, socket] = co_await service.acceptor.async_accept(with_error);
    if (!service.acceptor.is_open()) break;
    if (error) {  // out of descriptors, say; there may be one soon
      asio::steady_timer pause(loop, 50ms);
      co_await pause.async_wait(with_error);
    } else if (service.is_full()) {
      service.turn_away(std::move(socket));
    } else {
      asio::co_spawn(loop, service.talk(service.take(std::move(socket))), asio::detached);
    }
  }
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

/// A list of so many times the same digit.
std::string list_of(char digit) {
  std::string list(399'999, digit);
  for (std::size_t i = 1; i < list.size(); i += 2) list[i] = ',';
  return list;
}

/// Reads nothing until the service has been told to end, and then all.
asio::awaitable<void> be_slow(Day& day, Client& client) {
  const auto line = fmt::format("{{\"add\":[[{0}],[{0}]]}}\n", list_of('1'));
  client.socket.set_option(tcp::socket::receive_buffer_size(65'536));
  co_await asio::async_write(client.socket, asio::buffer(line), with_error);
  auto wait = client.lane.wait("reads nothing");
  while (!day.service.connections.back().is_answering())  // forced: the answer is under way
    co_await asio::post(asio::use_awaitable);
  const tcp::endpoint endpoint = day.service.acceptor.local_endpoint();
  day.service.end_on_signal();
  pdc::mark("SIGTERM");
  raise(SIGTERM);
  while (day.service.acceptor.is_open()) co_await asio::post(asio::use_awaitable);
  wait.end();
  error_code error;
  tcp::socket(day.loop).connect(endpoint, error);
  day.refused = error == asio::error::connection_refused;
  const std::string answer = co_await read_answer(client, "reads");
  day.whole = answer == fmt::format("{{\"add\":[{}]}}", list_of('2'));
}

void end_day(Day& day) {
  day.service.acceptor.set_option(tcp::socket::send_buffer_size(65'536));
  enter(day, "idle", be_idle);
  enter(day, "slow", be_slow);
  asio::co_spawn(day.loop, serve_at_once(day.service), asio::detached);
  asio::co_spawn(day.loop, day.service.watch(), asio::detached);
  day.loop.run();
}

/// Until it is told to end.
void serve(const tcp::endpoint& endpoint, const Limits& limits) {
  pdc::set_deadline(0s);
  mallopt(M_MMAP_THRESHOLD, 65'536);  // so that large buffers go back to the system
  asio::io_context loop(1);           // one thread: no locks
  Service service(loop, endpoint, limits);
  service.end_on_signal();
  const tcp::endpoint here = service.acceptor.local_endpoint();
  fmt::print("listening on {} port {}\n", here.address().to_string(), here.port());
  std::fflush(stdout);
  asio::co_spawn(loop, serve_at_once(service), asio::detached);
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

  pdc::check(without.meanwhile == 0, "one by one: none had an answer before the silent one was cut",
             "{} of {}", without.meanwhile, all);
  pdc::check(with.meanwhile == all, "at once: all had theirs while the silent one was there",
             "{} of {}", with.meanwhile, all);
  pdc::check(with.lives, "a bad line gets an error, and the next one its answer");
  pdc::check(with.ends, "too long a line gets an error, and that is all");
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
