// Server limits: what a server lets its clients take, so that none of them can harm the others.
//
// Concept   A client may send a line that never ends, or one byte now and then; it may say nothing,
//           or come many times over. Each takes memory, or a place that another client needs. So
//           there is a limit for the bytes of a line, for its time from its first byte on, for
//           silence, and for the connections, of all clients and of one peer.
// Shows     async_wait, async_read_until, dynamic_buffer, async_write, shutdown, close
// Python    asyncio.start_server(limit=...), asyncio.timeout
// Run       server_limits
// You see   four attacks, each of which does its harm without its limit, and none with all limits
// Next      graceful_shutdown is how such a server ends

// SPDX-License-Identifier: MIT
#include "listening.hpp"
#include "sums.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/resource.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <limits>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using asio::ip::tcp;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;  // of TCP, or one end of a socket pair
using Time = std::chrono::milliseconds;                 // since the server began
using Answer = std::string(std::string_view line);
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

struct Limits {
  std::size_t line;  // bytes, its end among them
  Time line_time;    // from its first byte to its end
  Time silence;      // before a line, and until its answer has been read
  int connections, of_one_peer;
};

std::string make_error(std::string_view why) {
  return json::serialize(json::object{{"error", why}}) + '\n';
}

/// It has no clock: it is told the time.
class Server {
 public:
  Server(asio::io_context& loop, Answer& answer, const Limits& limits)
      : loop_(loop), answer_(answer), limits_(limits) {}

  /// Serves the client, or turns it away with one line.
  void take(Socket socket, const std::string& peer) {
    if (std::ssize(connections_) == limits_.connections)
      return turn_away(std::move(socket), "too many connections");
    if (of_peer_[peer] == limits_.of_one_peer)
      return turn_away(std::move(socket), "too many connections from your address");
    ++of_peer_[peer];
    connections_.push_front({std::move(socket), peer, Time::max()});
    asio::co_spawn(loop_, talk(connections_.begin()), pdc::rethrow);
  }

  /// Hangs up on the clients whose time is over.
  void set_time(Time now) {
    now_ = now;
    for (Connection& connection : connections_) {
      error_code ignored;
      if (std::min(connection.until, until_) <= now) connection.socket.close(ignored);
    }
  }

  /// What has come by now is still answered, and on Linux what comes while that goes on, too, until
  /// the time for a line is over; other systems may drop it.
  void end() {
    until_ = now_ + limits_.line_time;
    for (Connection& connection : connections_) {
      error_code ignored;
      connection.socket.shutdown(Socket::shutdown_receive, ignored);  // behind what has come
    }
  }

  bool is_empty() const { return connections_.empty(); }

 private:
  struct Connection {
    Socket socket;
    std::string peer;
    Time until;
  };

  asio::awaitable<void> talk(std::list<Connection>::iterator place) {
    auto& [socket, peer, until] = *place;
    std::string unread;
    for (;;) {
      if (unread.empty()) {
        unread.shrink_to_fit();  // a silent client keeps no buffer
        until = now_ + limits_.silence;
        co_await socket.async_wait(Socket::wait_read, with_error);
      }
      until = now_ + limits_.line_time;  // from its first byte on, however many follow
      const auto [error, size] = co_await asio::async_read_until(
          socket, asio::dynamic_buffer(unread, limits_.line), '\n', with_error);
      if (error == asio::error::not_found) co_await hang_up(socket, "the line is too long");
      if (error) break;
      const std::string said = answer_(std::string_view(unread).substr(0, size));
      unread.erase(0, size);
      until = now_ + limits_.silence;
      const auto [gone, sent] = co_await asio::async_write(socket, asio::buffer(said), with_error);
      if (gone) break;
    }
    if (--of_peer_[peer] == 0) of_peer_.erase(peer);
    connections_.erase(place);
  }

  /// Drops what still comes: to close with bytes unread would be a reset, and could take the line.
  static asio::awaitable<void> hang_up(Socket& socket, std::string_view why) {
    const std::string said = make_error(why);
    co_await asio::async_write(socket, asio::buffer(said), with_error);
    error_code error;
    socket.shutdown(Socket::shutdown_send, error);
    std::array<char, 512> ignored;
    auto keep_error = asio::redirect_error(asio::use_awaitable, error);
    while (!error) co_await socket.async_read_some(asio::buffer(ignored), keep_error);
  }

  /// Reads nothing, so a client that has asked already is reset, and may miss the line.
  static void turn_away(Socket socket, std::string_view why) {
    error_code ignored;  // it may be gone already
    socket.non_blocking(true, ignored);
    socket.write_some(asio::buffer(make_error(why)), ignored);
  }

  asio::io_context& loop_;
  Answer& answer_;
  const Limits limits_;
  Time now_ = Time(0), until_ = Time::max();
  std::list<Connection> connections_;
  std::map<std::string, int> of_peer_;
};

std::string answer_line(std::string_view line) {
  error_code error;
  const json::value request = json::parse(line, error);  // what is no JSON is null: no request
  return json::serialize(answer_request(request)) + '\n';
}

/// One host may have all IPv6 addresses that begin with the same 64 bits, so they are one peer.
std::string name_peer(const asio::ip::address& address) {
  if (address.is_v4() || address.to_v6().is_v4_mapped()) return address.to_string();
  auto bytes = address.to_v6().to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

asio::awaitable<void> accept_all(Server& server, tcp::acceptor& acceptor) {
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
    if (!error) server.take(std::move(client), name_peer(peer.address()));  // else it has gone
  }
}

/// So many connections can be open, each with its descriptor. When none is left, new clients wait.
int count_descriptors() {
  constexpr rlim_t of_the_server = 16;  // its own, and one to turn a client away
  rlimit allowed{};
  pdc::posix(getrlimit(RLIMIT_NOFILE, &allowed), "getrlimit");
  allowed.rlim_cur = allowed.rlim_max;
  pdc::posix(setrlimit(RLIMIT_NOFILE, &allowed), "setrlimit");
  const rlim_t left = std::max(allowed.rlim_cur, of_the_server + 1) - of_the_server;
  return static_cast<int>(std::min<rlim_t>(left, std::numeric_limits<int>::max()));
}

/// Until SIGINT or SIGTERM comes; a second one ends it at once.
void serve(const tcp::endpoint& here, const Limits& limits) {
  asio::io_context loop(1);  // one thread: no locks
  Server server(loop, answer_line, limits);
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  tcp::acceptor acceptor = listen(loop, here);
  signals.async_wait([&](error_code, int) {
    signals.clear();
    acceptor.close();
    server.end();
  });
  asio::co_spawn(loop, accept_all(server, acceptor), pdc::rethrow);
  const auto begin = std::chrono::steady_clock::now();
  while (acceptor.is_open() || !server.is_empty()) {
    loop.run_for(50ms);
    server.set_time(std::chrono::duration_cast<Time>(std::chrono::steady_clock::now() - begin));
  }
}

Limits limits_in(const pdc::Program& program) {
  const auto time = [&](std::string_view option) {
    return std::chrono::duration_cast<Time>(std::chrono::duration<double>(program.real(option)));
  };
  return {static_cast<std::size_t>(program.integer("line")), time("time"), time("silence"),
          std::min(program.integer("connections"), count_descriptors()), program.integer("peer")};
}

struct Attack {
  std::string_view name, bytes;  // bytes: what each attacker sends in each millisecond
  bool is_one_peer;
  Limits without;  // all limits but the one against it
};
constexpr Limits all{32, 4ms, 6ms, 3, 2};
constexpr std::array attacks{
    Attack{"endless line", "and so on and on and so on, and ", false, {1 << 20, 4ms, 6ms, 3, 2}},
    Attack{"byte by byte", "1", false, {32, 1h, 6ms, 3, 2}},
    Attack{"silence", "", false, {32, 4ms, 1h, 3, 2}},
    Attack{"one peer", "{\"sum\":[]}\n", true, {32, 4ms, 6ms, 3, 3}}};

/// A socket pair delivers at once, so every run is the same to the byte.
struct Client {
  Client(asio::io_context& loop, Server& server, const std::string& peer, pdc::Span span)
      : socket(loop), bar(std::move(span)) {
    asio::local::stream_protocol::socket other(loop);
    asio::local::connect_pair(socket, other);
    socket.non_blocking(true);
    server.take(std::move(other), peer);
  }

  /// Sends, lets the server do all that it can do now, and hears what it says.
  void talk(asio::io_context& loop, std::string_view bytes) {
    error_code error;
    const std::size_t sent = socket.write_some(asio::buffer(bytes), error);
    if (heard.empty()) taken += sent;
    loop.restart();
    loop.poll();
    std::array<char, 256> said;
    heard.append(said.data(), socket.read_some(asio::buffer(said), error));
    if (error && error != asio::error::would_block) bar.end();  // the server has hung up
  }

  asio::local::stream_protocol::socket socket;
  pdc::Span bar;
  std::size_t taken = 0;  // bytes, before the server has said anything
  std::string heard = {};
};

struct Outcome {
  std::size_t taken = 0;
  std::string answer = {};
  bool is_served() const { return answer == "{\"sum\":3}\n"; }
  bool is_harmless() const { return taken <= all.line && is_served(); }
};
using Outcomes = std::array<Outcome, attacks.size()>;

/// Attackers come for all places. When their time is over, a good client comes and asks.
Outcome meet(const Attack& attack, const Limits& limits, const std::vector<pdc::Lane>& lanes) {
  asio::io_context loop;
  Server server(loop, answer_line, limits);
  pdc::mark(attack.name);
  std::list<Client> attackers;
  for (int i = 0; i < limits.connections; ++i) {
    const std::string peer = attack.is_one_peer ? "one" : fmt::format("{}", i);
    attackers.emplace_back(loop, server, peer, lanes.at(i).hold("place"));
  }
  Outcome outcome;
  for (Time now(0); now < 10ms; ++now) {
    server.set_time(now);
    for (Client& attacker : attackers) {
      attacker.talk(loop, attack.bytes);
      outcome.taken = std::max(outcome.taken, attacker.taken);
    }
    std::this_thread::sleep_for(1ms);  // for the picture alone: it plays the time that passes
  }
  Client good(loop, server, "good", lanes.back().work("asks"));
  good.talk(loop, "{\"sum\":[1,2]}\n");
  std::this_thread::sleep_for(2ms);  // as above
  outcome.answer = good.heard;
  if (outcome.taken > all.line) pdc::fault("line taken");
  if (!outcome.is_served()) pdc::fault("turned away");
  return outcome;
}

/// Clients of one peer come and leave, one after the other; returns how many are served.
int come_and_go(int clients) {
  asio::io_context loop;
  Server server(loop, answer_line, all);
  const pdc::Lane lane("one peer");
  int served = 0;
  for (int i = 0; i < clients; ++i) {
    Client client(loop, server, "one", lane.work("asks"));
    client.talk(loop, "{\"sum\":[1,2]}\n");
    std::this_thread::sleep_for(1ms);  // for the picture alone
    if (Outcome{0, client.heard}.is_served()) ++served;
  }
  return served;
}

Outcomes meet_all(bool has_all_limits) {
  std::vector<pdc::Lane> lanes;
  for (int i = 0; i < all.connections; ++i) lanes.push_back(pdc::Lane("attacker {}", i));
  lanes.push_back(pdc::Lane("good client"));
  Outcomes outcomes;
  for (std::size_t i = 0; i < attacks.size(); ++i)
    outcomes.at(i) = meet(attacks.at(i), has_all_limits ? all : attacks.at(i).without, lanes);
  return outcomes;
}

void judge(const Outcome& outcome, bool is_harmless, std::string_view claim) {
  pdc::check(outcome.is_harmless() == is_harmless, claim, "{} bytes taken, good client {}",
             outcome.taken, outcome.is_served() ? "served" : "turned away");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"serve", false, "serve with these limits until SIGINT or SIGTERM comes"},
       {"address", std::string("127.0.0.1"), "to listen on"},
       {"port", 0, "to listen on; 0: a free one", {0, 65535}},
       {"line", 1 << 16, "bytes of the longest line", {64, 1 << 26}},
       {"time", 10.0, "seconds for a line, from its first byte on", {0.1, 86400}},
       {"silence", 60.0, "seconds without a line", {0.1, 86400}},
       {"connections", 12000, "at the same time, if ulimit -n allows", {1, 100'000}},
       {"peer", 256, "connections of one address", {1, 100'000}}});
  const tcp::endpoint here = endpoint_in(program);
  if (program.flag("serve")) {
    serve(here, limits_in(program));
    return 0;
  }
  const Outcomes without = program.scene("each attack without its limit", meet_all, false);
  const Outcomes with = program.scene("each attack with all limits", meet_all, true);
  const int visits = all.connections + 2;
  const int served = program.scene("one peer comes and goes", come_and_go, visits);

  judge(without.at(0), false, "without a limit for its bytes, the server takes an endless line");
  judge(with.at(0), true,
        "with all limits, the server takes an endless line to its limit, then says so");
  judge(without.at(1), false,
        "without a limit for their time, lines sent byte by byte keep all places");
  judge(with.at(1), true, "with all limits, lines sent byte by byte leave a good client a place");
  judge(without.at(2), false, "without a limit for silence, silent clients keep all places");
  judge(with.at(2), true, "with all limits, silent clients leave a good client a place");
  judge(without.at(3), false, "without a limit for each peer, one peer keeps all places");
  judge(with.at(3), true, "with all limits, one peer leaves a good client a place");
  pdc::check(served == visits, "a client that leaves makes room for the next one of its peer",
             "{} of {} served", served, visits);
  return program.finish();
}
