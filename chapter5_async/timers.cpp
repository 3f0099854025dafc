// Timers: the loop waits for many moments at once, and calls a handler when each has come.
//
// Concept   A timer has an expiry, a moment of a clock that never goes back, and handlers that wait
//           for it. Cancelled, it has the loop call them now, with an error, unless they are queued
//           already. A tick that is counted from now comes later each time, by the work in between;
//           counted from the last expiry it does not.
// Shows     boost::asio::basic_waitable_timer, async_wait, cancel, expires_after, expires_at, expiry
// Python    loop.call_later, loop.call_at, TimerHandle.cancel
// Run       timers --ticks 8
// You see   alarms in order of expiry, one cancelled; ticks that come later each time, the last one
//           by 21 ms, and ticks on time
// Next      coroutines needs no handler for each moment; timeouts ends what takes too long

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

using namespace std::chrono_literals;

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

constexpr auto period = 10ms;
constexpr auto work_time = 3ms;

/// What the handlers noted: "1 at 10 ms, 2 at 20 ms" if they were called then.
struct Diary {
  std::string rung, cancelled;
};

void wait_for(Timer& timer, const std::string& name, Diary& diary) {
  const pdc::Lane lane(pdc::task, "alarm {}", name);
  const auto start = Clock::now();
  auto on_expiry = [&diary, name, start, wait = lane.wait("expiry")](error_code error) mutable {
    const bool aborted = error == asio::error::operation_aborted;
    wait.rename("{}", aborted ? "cancelled" : "rings");
    std::string& page = aborted ? diary.cancelled : diary.rung;
    if (!page.empty()) page += ", ";
    page += fmt::format("{} at {} ms", name, (Clock::now() - start) / 1ms);
  };
  timer.async_wait(std::move(on_expiry));
}

Diary set_alarms() {
  asio::io_context loop;
  Diary diary;
  Timer three(loop, 3 * period);
  Timer one(loop, 1 * period);
  Timer x(loop, 5 * period);
  Timer two(loop, 2 * period);
  wait_for(three, "3", diary);
  wait_for(one, "1", diary);
  wait_for(x, "x", diary);
  two.async_wait([&](error_code error) {
    if (error) return;
    x.cancel();
    two.cancel();  // too late: its other handler is queued already, and comes without an error
  });
  wait_for(two, "2", diary);
  Clock::run(loop);
  return diary;
}

/// Wrong on purpose: now is later than the expiry, by the work that was done since.
void count_from_now(Timer& timer) {
  timer.expires_after(period);
}

void count_from_expiry(Timer& timer) {
  timer.expires_at(timer.expiry() + period);
}

struct Ticks {
  int count = 0;
  Clock::duration most_off = 0ms;  // from the due moment, by the clock in the handler
};

struct Ticker {
  void (*set_next)(Timer&);
  Timer timer;
  Clock::time_point start = Clock::now();
  pdc::Lane lane{"ticker"};
  Ticks ticks = {};

  void wait_for_tick(int left) {
    timer.async_wait([this, left, wait = lane.wait("expiry")](error_code error) mutable {
      if (error) return;  // cancelled: *this may be gone
      wait.end();
      ++ticks.count;
      auto work = lane.work("tick {}", ticks.count);
      const Clock::duration late = Clock::now() - start - ticks.count * period;
      ticks.most_off = std::max(ticks.most_off, std::chrono::abs(late));
      Clock::pass(work_time);
      set_next(timer);
      work.end();
      if (left > 1) wait_for_tick(left - 1);
    });
  }
};

Ticks tick(void (*set_next)(Timer&), int count) {
  asio::io_context loop;
  Ticker ticker{set_next, Timer(loop, period)};
  ticker.wait_for_tick(count);
  Clock::run(loop);
  return ticker.ticks;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"ticks", 8, "ticks of each periodic timer", {2, 100}}});
  const int ticks = program.integer("ticks");

  const Diary diary = program.scene("set as 3, 1, x, 2, and 2 cancels x", set_alarms);
  const Ticks from_now = program.scene("ticks counted from now", tick, count_from_now, ticks);
  const Ticks exact = program.scene("from the last expiry", tick, count_from_expiry, ticks);

  pdc::check(diary.rung == "1 at 10 ms, 2 at 20 ms, 3 at 30 ms",
             "alarms ring in the order of their expiries, each at its moment", "{}", diary.rung);
  pdc::check(diary.cancelled == "x at 20 ms",
             "an alarm that is cancelled in time is called now, with an error", "{}",
             diary.cancelled);
  pdc::check(from_now.count == ticks && from_now.most_off == (ticks - 1) * work_time,
             "counted from now, a tick is late by the work of all before it",
             "{} of {} ticks, off by {} ms at most", from_now.count, ticks,
             from_now.most_off / 1ms);
  pdc::check(exact.count == ticks && exact.most_off == 0ms,
             "counted from the last expiry, every tick is on time",
             "{} of {} ticks, off by {} ms at most", exact.count, ticks, exact.most_off / 1ms);
  return program.finish();
}
