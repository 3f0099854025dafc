// Server limits: how many clients a server takes, in all and of one peer, so that all get a place.
//
// Concept   A server has only so many places for connections, for each takes memory and a descriptor.
//           Who comes first can take them all, and nobody else is served, though every line is good
//           and in time. So there is a limit for the connections of one peer, too.
// Shows     co_spawn with a handler for its end, non_blocking, write_some
// Run       server_limits
// You see   one peer that takes all places, or its share; clients that leave make room for others
// Next      graceful_shutdown is how such a server ends

// SPDX-License-Identifier: MIT
#include "line_limits.hpp"
#include "listening.hpp"
#include "played_client.hpp"
#include "serving.hpp"
#include "sums.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <map>
#include <thread>

namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

struct Places {
  int in_all, of_one_peer;
};

/// Lets clients in, as long as there are places. It outlives what the server does for them.
class Door {
 public:
  Door(asio::io_context& loop, Server& server, const Places& places)
      : loop_(loop), server_(server), places_(places) {}

  /// Has the client served, or turns it away with one line.
  void take(Socket client, const std::string& peer) {
    if (inside_ == places_.in_all) return turn_away(std::move(client), "too many connections");
    if (of_peer_[peer] == places_.of_one_peer)
      return turn_away(std::move(client), "too many connections from your address");
    ++inside_;
    ++of_peer_[peer];
    asio::co_spawn(loop_, server_.talk(std::move(client)), [this, peer](std::exception_ptr error) {
      pdc::rethrow(error);
      --inside_;
      if (--of_peer_[peer] == 0) of_peer_.erase(peer);
    });
  }

 private:
  /// Reads nothing, so a client that has asked already is reset, and may miss the line.
  static void turn_away(Socket client, std::string_view why) {
    error_code ignored;  // it may be gone already
    client.non_blocking(true, ignored);
    client.write_some(asio::buffer(make_error(why)), ignored);
  }

  asio::io_context& loop_;
  Server& server_;
  const Places places_;
  int inside_ = 0;
  std::map<std::string, int> of_peer_;
};

int serve_strangers(const pdc::Program& program, const tcp::endpoint& here) {
  asio::io_context loop(1);  // one thread: no locks
  Server server(answer_line, limits_in(program));
  const int in_all = std::min(program.integer("connections"), count_descriptors());
  Door door(loop, server, {in_all, program.integer("peer")});
  serve(loop, here, server,
        [&](Socket client, const std::string& peer) { door.take(std::move(client), peer); });
  return 0;
}

constexpr Limits lines{32, 1s, 1s};  // the clients below stay far from them
constexpr std::string_view right = "{\"sum\":3}";

/// A peer comes for all places and asks good questions; returns what a good client then hears.
std::string crowd(const Places& places) {
  asio::io_context loop;
  Server server(answer_line, lines);
  Door door(loop, server, places);
  std::list<PlayedClient> peer;
  for (int i = 0; i < places.in_all; ++i) {
    peer.emplace_back(loop, pdc::Lane("one peer {}", i).hold("place"));
    door.take(std::move(peer.back().other), "one peer");
  }
  const auto good = pdc::Lane("good client");
  for (int i = 0; i < 5; ++i) {
    for (PlayedClient& client : peer) client.talk(loop, "{\"sum\":[]}\n");
    std::this_thread::sleep_for(1ms);  // for the picture alone: it plays the time that passes
  }
  PlayedClient client(loop, good.work("asks"));
  door.take(std::move(client.other), "good peer");
  client.talk(loop, "{\"sum\":[1,2]}\n");
  std::this_thread::sleep_for(1ms);  // as above
  if (!client.heard.starts_with(right)) pdc::fault("turned away");
  return client.heard.substr(0, client.heard.find('\n'));
}

/// Clients of one peer come and leave, one after the other; returns how many are served.
int come_and_go(const Places& places, int clients) {
  asio::io_context loop;
  Server server(answer_line, lines);
  Door door(loop, server, places);
  const pdc::Lane lane("one peer");
  int served = 0;
  for (int i = 0; i < clients; ++i) {
    PlayedClient client(loop, lane.work("asks"));
    door.take(std::move(client.other), "one peer");
    client.talk(loop, "{\"sum\":[1,2]}\n");
    std::this_thread::sleep_for(1ms);  // as above
    if (client.heard.starts_with(right)) ++served;
  }
  return served;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"serve", false, "with limits for lines, too, until SIGINT or SIGTERM"},
                        {"address", std::string("127.0.0.1"), "to listen on"},
                        {"port", 0, "to listen on; 0: a free one", {0, 65535}},
                        {"line", 1 << 16, "bytes of the longest line", {64, 1 << 26}},
                        {"time", 10.0, "seconds for a line, from its first byte on", {0.1, 86400}},
                        {"silence", 60.0, "seconds without a line", {0.1, 86400}},
                        {"connections", 12000, "at once, if ulimit -n allows", {1, 100'000}},
                        {"peer", 256, "connections of one address", {1, 100'000}}});
  const tcp::endpoint here = endpoint_in(program);
  if (program.flag("serve")) return serve_strangers(program, here);
  constexpr Places without{3, 3}, with{3, 2};
  const std::string crowded = program.scene("no limit for each peer", crowd, without);
  const std::string shared = program.scene("a limit for each peer", crowd, with);
  const int visits = with.in_all + 2;
  const int served = program.scene("one peer comes and goes", come_and_go, with, visits);

  pdc::check(crowded == "{\"error\":\"too many connections\"}",
             "without a limit for each peer, one peer keeps all places", "heard {}", crowded);
  pdc::check(shared == right, "with a limit for each peer, one peer leaves a good client a place",
             "heard {}", shared);
  pdc::check(served == visits, "a client that leaves makes room for the next one of its peer",
             "{} of {} served", served, visits);
  return program.finish();
}
