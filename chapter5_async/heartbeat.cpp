// Heartbeat: each end of a connection says that it lives, whatever else it is doing.
//
// Concept   A peer that is stopped and one that is busy look the same while its result does not
//           come. A limit for the result finds the one, and takes the other for dead. So each end
//           has two more tasks: one says "I live" in every period, also while the end works; the
//           other suspects the peer after a limit of several periods without a message. Nobody can
//           be sure: it is a suspicion.
// Shows     basic_waitable_timer, expires_after, expires_at, async_wait, asio::co_spawn
// Python    ping_interval and ping_timeout of the websockets package
// Run       heartbeat --limit 25
// You see   waits without an end; then peers given up that live; then only the stopped ones
// Next      at_least_once deals out again what a suspect had in hand

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

constexpr auto period = 10ms;
constexpr auto last_beat = 10ms;  // before the stop
constexpr auto stop_time = 13ms;
constexpr auto work_time = 60ms;  // longer than every limit
constexpr auto evening = 100ms;   // an end that still waits then would wait for ever

/// One end of a connection.
struct End {
  End(std::string_view name, Clock::duration patience)
      : lane(pdc::task, "{}", name), limit(patience) {}
  pdc::Lane lane;
  const Clock::duration limit;
  End* other = nullptr;
  std::optional<pdc::Span> bar;                   // what it is doing
  Clock::time_point heard = Clock::now();         // any message of the other end
  std::optional<Clock::time_point> suspected_at;  // and the connection given up
  bool stopped = false, has_result = false;

  bool is_active() const { return !stopped && !suspected_at; }
};

void tell(End& end, std::string_view message) {
  const auto send = end.lane.send("{}", message);
  end.other->heard = Clock::now();  // the network loses nothing here
}

asio::awaitable<void> beat(End& end) {
  Timer timer(co_await asio::this_coro::executor);
  while (end.is_active()) {
    tell(end, "beat");
    timer.expires_after(period);  // counts from now: no burst of beats after a stop
    co_await timer.async_wait(asio::use_awaitable);
  }
}

asio::awaitable<void> watch(End& end) {
  Timer timer(co_await asio::this_coro::executor);
  while (Clock::now() < end.heard + end.limit) {
    timer.expires_at(end.heard + end.limit);
    co_await timer.async_wait(asio::use_awaitable);  // meanwhile there may have been a message
  }
  if (!end.is_active()) co_return;
  if (end.other->is_active()) pdc::fault("a peer that lives is given up");
  end.suspected_at = Clock::now();
  end.bar.reset();
}

asio::awaitable<void> work(End& end) {
  end.bar.emplace(end.lane.work("works"));
  Timer done(co_await asio::this_coro::executor, work_time);  // plays a computation on a thread
  co_await done.async_wait(asio::use_awaitable);
  if (!end.is_active()) co_return;
  end.bar.reset();
  tell(end, "result");
  end.other->has_result = true;
  end.other->bar.reset();
}

struct Outcome {
  bool has_result;                     // coordinator A
  std::vector<Clock::rep> found = {};  // ms until a stopped end was suspected
  int wronged = 0;                     // ends that were suspected, and not stopped
  int waiting = 0;                     // ends that wait for the result of a stopped one
};

using Habits = std::vector<asio::awaitable<void> (*)(End&)>;  // tasks that each end has

Outcome spend_day(Clock::duration limit, const Habits& habits) {
  const auto start = Clock::now();
  std::array ends{End("worker A", limit),      End("coordinator A", limit), End("worker B", limit),
                  End("coordinator B", limit), End("coordinator C", limit), End("worker C", limit)};
  asio::io_context loop;
  for (std::size_t i = 0; i < ends.size(); i += 2) {
    End &busy = ends[i], &waiting = ends[i + 1];
    busy.other = &waiting;
    waiting.other = &busy;
    asio::co_spawn(loop, work(busy), pdc::rethrow);
    waiting.bar.emplace(waiting.lane.wait("result"));
  }
  for (End& end : ends) {
    for (const auto habit : habits) asio::co_spawn(loop, habit(end), pdc::rethrow);
  }
  Timer stop(loop, stop_time), end(loop, evening);
  stop.async_wait([&](auto) {
    pdc::mark("B and C are stopped");
    for (End* each : {&ends[2], &ends[4]}) {
      each->stopped = true;
      each->bar.reset();
    }
  });
  end.async_wait([&](auto) { loop.stop(); });
  Clock::run(loop);

  Outcome outcome{ends[1].has_result};
  for (const End& each : ends) {
    if (each.suspected_at && each.other->stopped) {
      outcome.found.push_back((*each.suspected_at - start).count());
    } else if (each.suspected_at) {
      ++outcome.wronged;
    } else if (each.other->stopped && !each.has_result) {
      ++outcome.waiting;
    }
  }
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"limit", 25, "ms without a message until a suspicion", {14, 59}}});
  const Clock::duration limit(program.integer("limit"));
  const std::vector<Clock::rep> after_last_beat(2, (last_beat + limit).count());

  const auto patient = program.scene("no limit", spend_day, limit, Habits{});
  const auto hasty = program.scene("a limit for results", spend_day, limit, Habits{watch});
  const auto with = program.scene("a limit for heartbeats", spend_day, limit, Habits{watch, beat});

  pdc::check(patient.waiting == 2,
             "without a limit, the peers of stopped ends wait until the evening", "{} of 2",
             patient.waiting);
  pdc::check(hasty.found.size() == 2 && hasty.wronged == 2,
             "where a result is the only sign of life, stopped ends are suspected, and others too",
             "{} stopped, {} others", hasty.found.size(), hasty.wronged);
  pdc::check(
      with.found == after_last_beat,
      "with heartbeats, stopped ends are suspected when the limit has passed since their last beat",
      "after {} ms", pdc::join(with.found, " and "));
  pdc::check(with.wronged == 0 && with.has_result,
             "with heartbeats, nobody else is suspected, and the result of the busy worker comes",
             "{} suspected", with.wronged);
  return program.finish();
}
