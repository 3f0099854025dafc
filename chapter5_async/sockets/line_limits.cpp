// Line limits: what a client may send, and in what time, so that it cannot harm the others.
//
// Concept   A client may send a line that never ends, or one byte now and then, or nothing. Each
//           takes memory, or a place that another client needs. So there is a limit for the bytes of
//           a line, for its time from its first byte on, and for silence.
// Shows     async_wait, async_read_until, dynamic_buffer, async_write, close: in line_limits.hpp
// Python    asyncio.start_server(limit=...), asyncio.timeout
// Run       line_limits
// You see   three attacks, each of which does its harm without its limit, and none with all limits
// Next      server_limits counts the clients themselves

// SPDX-License-Identifier: MIT
#include "line_limits.hpp"
#include "played_client.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;
constexpr int places = 3;  // of the server; all are the attackers'

struct Attack {
  std::string_view name, bytes;  // bytes: what each attacker sends in each millisecond
  Limits without;                // all limits but the one against it
};
constexpr Limits all{32, 4ms, 6ms};
constexpr std::array attacks{
    Attack{"endless line", "and so on and on and so on, and ", {1 << 20, 4ms, 6ms}},
    Attack{"byte by byte", "1", {32, 1h, 6ms}}, Attack{"silence", "", {32, 4ms, 1h}}};

struct Outcome {
  std::size_t taken = 0;
  bool is_served = false;  // the good client
  bool is_told = false;    // each attacker, why it is hung up on
  bool is_harmless() const { return taken <= all.line && is_served; }
};
using Outcomes = std::array<Outcome, attacks.size()>;

std::string echo(std::string_view line) {
  return std::string(line);
}

/// Attackers come for all places. When their time is over, a good client comes and asks.
Outcome meet(const Attack& attack, const Limits& limits, const std::vector<pdc::Lane>& lanes) {
  asio::io_context loop;
  Server server(echo, limits);
  pdc::mark(attack.name);
  std::list<PlayedClient> attackers;
  for (int i = 0; i < places; ++i) {
    PlayedClient& attacker = attackers.emplace_back(loop, lanes.at(i).hold("place"));
    asio::co_spawn(loop, server.talk(std::move(attacker.other)), pdc::rethrow);
  }
  Outcome outcome;
  for (Time now(0); now < 10ms; ++now) {
    server.set_time(now);
    for (PlayedClient& attacker : attackers) {
      attacker.talk(loop, attack.bytes);
      outcome.taken = std::max(outcome.taken, attacker.taken);
    }
    std::this_thread::sleep_for(1ms);  // for the picture alone: it plays the time that passes
  }
  outcome.is_told = std::ranges::all_of(attackers, [](const PlayedClient& attacker) {
    return attacker.heard == make_error("the line is too long");
  });
  PlayedClient good(loop, lanes.back().work("asks"));
  if (server.size() < places)
    asio::co_spawn(loop, server.talk(std::move(good.other)), pdc::rethrow);
  good.talk(loop, "a good line\n");
  std::this_thread::sleep_for(2ms);  // as above
  outcome.is_served = good.heard == "a good line\n";
  if (outcome.taken > all.line) pdc::fault("line taken");
  if (!outcome.is_served) pdc::fault("turned away");
  return outcome;
}

Outcomes meet_all(bool has_all_limits) {
  std::vector<pdc::Lane> lanes;
  for (int i = 0; i < places; ++i) lanes.push_back(pdc::Lane("attacker {}", i));
  lanes.push_back(pdc::Lane("good client"));
  Outcomes outcomes;
  for (std::size_t i = 0; i < attacks.size(); ++i)
    outcomes.at(i) = meet(attacks.at(i), has_all_limits ? all : attacks.at(i).without, lanes);
  return outcomes;
}

void judge(const Outcome& outcome, bool is_harmless, std::string_view claim) {
  pdc::check(outcome.is_harmless() == is_harmless, claim, "{} bytes taken, good client {}",
             outcome.taken, outcome.is_served ? "served" : "turned away");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Outcomes without = program.scene("each attack without its limit", meet_all, false);
  const Outcomes with = program.scene("each attack with all limits", meet_all, true);

  judge(without.at(0), false, "without a limit for its bytes, the server takes an endless line");
  judge(with.at(0), true, "with all limits, the server takes an endless line to its limit");
  pdc::check(with.at(0).is_told,
             "with all limits, the server tells each client with an endless line why it hangs up");
  judge(without.at(1), false,
        "without a limit for their time, lines sent byte by byte keep all places");
  judge(with.at(1), true, "with all limits, lines sent byte by byte leave a good client a place");
  judge(without.at(2), false, "without a limit for silence, silent clients keep all places");
  judge(with.at(2), true, "with all limits, silent clients leave a good client a place");
  return program.finish();
}
