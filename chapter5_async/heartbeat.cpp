// Heartbeat: each end of a connection says that it lives, whatever else it is doing.
//
// Concept   A peer that is stopped and one that is busy look the same while its result does not
//           come. A limit for the result finds the one, and takes the other for dead. So each end
//           has two more tasks: one says "I live" in every period, also while the end works; the
//           other suspects the peer after a limit of several periods without a message. Nobody can
//           be sure: it is a suspicion.
// Shows     expires_after, expires_at, async_wait, co_await
// Python    ping_interval and ping_timeout of the websockets package
// Run       heartbeat --limit 25
// You see   waits without an end; then peers given up that live; then only the stopped ones
// Next      at_least_once deals out again what a suspect had in hand

// SPDX-License-Identifier: MIT
#include "stopped_ends.hpp"

#include "pdc/program.hpp"

namespace {

constexpr auto period = 10ms;
constexpr auto last_beat = 10ms;  // before the stop
constexpr auto work_time = 60ms;  // longer than every limit

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

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"limit", 25, "ms without a message until a suspicion", {14, 59}}});
  const Clock::duration limit(program.integer("limit"));
  const std::vector<Clock::rep> after_last_beat(2, (last_beat + limit).count());

  const auto patient = program.scene("no limit", spend_day, limit, work, Habits{});
  const auto hasty = program.scene("a limit for results", spend_day, limit, work, Habits{watch});
  const auto with =
      program.scene("a limit for heartbeats", spend_day, limit, work, Habits{watch, beat});

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
