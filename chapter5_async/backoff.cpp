// Backoff: after each refusal a client may wait twice as long, and how long is left to chance.
//
// Concept   Clients that lose their server in the same moment are a herd. If their pauses double, a
//           server that is down is not asked all the time. But the clients keep in step: when it is
//           back, all ask at once, most are refused, and those come again together. With jitter
//           each pause is of random length, up to a limit; the limit doubles, up to a cap.
// Shows     std::min, std::uniform_int_distribution, std::seed_seq, basic_waitable_timer, co_await
// Python    random.uniform before asyncio.sleep; tenacity's wait_random_exponential
// Run       backoff --clients 12 --seed 4
// You see   walls of requests, most of which are refused; then a request here and there
// Next      circuit_breaker lets one client ask for all; heartbeat finds out that a server is gone

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <random>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock
using Milliseconds = std::chrono::milliseconds;

constexpr Milliseconds first_pause = 2ms, longest_pause = 32ms, absence = 40ms;
constexpr int room = 2;     // requests that the server answers in each millisecond
constexpr int in_vain = 5;  // requests of a client until then: after 0, 2, 6, 14 and 30 ms

struct Server {
  const int clients;
  asio::io_context loop = {};
  bool is_back = false;
  std::map<Clock::time_point, int> requests = {};  // in each moment since then
  int missed = 0, refused = 0, answered = 0;       // requests
  int most = 0;                                    // requests in one moment
  Milliseconds longest{};                          // between two requests of a client

  bool answer(const pdc::Lane& client) {
    const auto send = client.send("request");
    if (!is_back) {
      ++missed;
      return false;
    }
    int& now = requests[Clock::now()];
    ++now;
    most = std::max(most, now);
    if (now == clients / 2 + 1) pdc::fault("herd");  // more than half of all
    if (now > room) {
      ++refused;
      return false;
    }
    ++answered;
    return true;
  }
};

/// Wrong on purpose: each client waits as long as all the others.
Milliseconds pause_in_step(Milliseconds limit, std::mt19937&) {
  return limit;
}

Milliseconds pause_with_jitter(Milliseconds limit, std::mt19937& random) {
  std::uniform_int_distribution any(Milliseconds::rep{1}, limit.count());  // 1: never at once
  return Milliseconds(any(random));
}

using Choose = decltype(pause_with_jitter);

asio::awaitable<void> ask(Server& server, Choose* choose, std::mt19937 random, pdc::Lane lane) {
  Timer timer(server.loop);
  Milliseconds limit = first_pause;
  while (!server.answer(lane)) {
    const auto refused = Clock::now();
    const Milliseconds pause = choose(limit, random);
    const auto wait = lane.wait("{} ms", pause.count());
    timer.expires_after(pause);
    co_await timer.async_wait(asio::use_awaitable);
    limit = std::min(2 * limit, longest_pause);
    server.longest = std::max(server.longest, Clock::now() - refused);
  }
  const auto receive = lane.receive("answer");
}

Clock::duration serve(Server& server, const pdc::Program& program, Choose* choose) {
  const auto start = Clock::now();
  for (int i = 0; i < program.integer("clients"); ++i) {
    std::seed_seq seed{program.integer("seed"), i};  // one that no other client has
    asio::co_spawn(server.loop,
                   ask(server, choose, std::mt19937(seed), pdc::Lane(pdc::task, "client {}", i)),
                   pdc::rethrow);
  }
  Timer back(server.loop, absence);
  back.async_wait([&](auto) {
    server.is_back = true;
    pdc::mark("server is back");
  });
  Clock::run(server.loop);
  return Clock::now() - start;
}

/// If all come again together, and `room` of them are answered each time.
int refused_in_step(int clients) {
  int refused = 0;
  for (int left = clients - room; left > 0; left -= room) refused += left;
  return refused;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"clients", 12, "clients of one server", {12, 48}}, {"seed", 4, "of the jitter", {0, 999}}});
  const int clients = program.integer("clients");
  Server in_step{clients}, spread{clients};

  const auto slow = program.scene("doubled pauses", serve, in_step, program, pause_in_step);
  const auto quick = program.scene("with jitter", serve, spread, program, pause_with_jitter);

  pdc::check(in_step.missed == in_vain * clients,
             "while the server is away, doubled pauses let a client ask five times",
             "{} requests of {} clients", in_step.missed, clients);
  pdc::check(2 * spread.missed < 3 * in_step.missed,
             "with jitter, an absent server is asked less than one and a half times as often",
             "{} requests, not {}", spread.missed, in_step.missed);
  pdc::check(in_step.most == clients && in_step.refused == refused_in_step(clients),
             "without jitter, all unanswered clients come back at once, again and again",
             "{} in one moment, {} refused", in_step.most, in_step.refused);
  pdc::check(
      2 * spread.most <= clients,
      "with jitter, no more than half of the clients ask in one moment once the server is back",
      "{}", spread.most);
  pdc::check(2 * spread.refused < in_step.refused && quick < slow,
             "with jitter, fewer than half as many are refused, and all are answered sooner",
             "{} refused, after {} ms, not {}", spread.refused, quick.count(), slow.count());
  pdc::check(std::max(in_step.longest, spread.longest) <= longest_pause,
             "no client pauses longer than the cap", "{} ms and {} ms", in_step.longest.count(),
             spread.longest.count());
  pdc::check(in_step.answered == clients && spread.answered == clients,
             "in the end every client is answered once", "{} and {}", in_step.answered,
             spread.answered);
  return program.finish();
}
