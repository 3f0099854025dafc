// Timers: the loop waits for many moments at once, and calls a handler when each has come.
//
// Concept   A timer has an expiry, a moment of a clock that never goes back, and handlers that wait
//           for it. If it is cancelled they are called at once, with an error. A tick counted from
//           now comes later each time; one counted from the last expiry does not drift.
// Shows     boost::asio::steady_timer, async_wait, cancel, expiry, expires_after, expires_at
// Python    loop.call_later, loop.call_at, TimerHandle.cancel
// Run       timers --ticks 8
// You see   alarms in order of expiry, a cancelled one; ticks that drift beside ticks that do not
// Next      coroutines needs no handler for each moment; timeouts ends what takes too long

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto period = 10ms;
constexpr auto work_time = 3ms;

struct Alarm {
  char name;
  asio::steady_timer timer;
  pdc::Lane lane{pdc::task, "alarm {}", name};
};

struct Diary {
  std::string fired, aborted;
};

void wait_for(Alarm& alarm, Diary& diary, Alarm* cancels = nullptr) {
  alarm.timer.async_wait([&, cancels, wait = alarm.lane.wait("expiry")](error_code error) mutable {
    const bool aborted = error == asio::error::operation_aborted;
    wait.rename("{}", aborted ? "cancelled" : "fires");
    (aborted ? diary.aborted : diary.fired) += alarm.name;
    if (cancels) cancels->timer.cancel();
  });
}

Diary fire_in_order() {
  asio::io_context loop;
  Diary diary;
  const auto base = Clock::now();
  Alarm x{'x', asio::steady_timer(loop, base + 1h)};
  std::vector<Alarm> alarms;
  for (const int n : {3, 1, 4, 2})
    alarms.push_back({"01234"[n], asio::steady_timer(loop, base + n * period)});

  wait_for(x, diary);
  for (Alarm& alarm : alarms) wait_for(alarm, diary, alarm.name == '2' ? &x : nullptr);
  loop.run();  // sleeps until the next expiry; ends when nobody waits any more
  return diary;
}

/// Wrong on purpose: now is after the expiry, and after whatever has kept the loop since.
void from_now(asio::steady_timer& timer) {
  timer.expires_after(period);
}

void from_expiry(asio::steady_timer& timer) {
  timer.expires_at(timer.expiry() + period);
}

struct Ticker {
  void (*set_next)(asio::steady_timer&);
  asio::steady_timer timer;
  pdc::Lane lane;
};

void tick(Ticker& ticker, int left) {
  ticker.set_next(ticker.timer);
  ticker.timer.async_wait([&, left, wait = ticker.lane.wait("period")](error_code) mutable {
    wait.end();
    const auto work = ticker.lane.work("tick");
    std::this_thread::sleep_for(work_time);  // plays the work of each tick
    if (left > 1) tick(ticker, left - 1);
  });
}

/// How much later than planned the last ticks were set: counted from now, from the last expiry.
std::array<Clock::duration, 2> tick_side_by_side(int ticks) {
  asio::io_context loop;
  const auto start = Clock::now();
  Ticker drifts{from_now, asio::steady_timer(loop, start), pdc::Lane(pdc::task, "from now")};
  Ticker exact{from_expiry, asio::steady_timer(loop, start), pdc::Lane(pdc::task, "from expiry")};
  tick(drifts, ticks);
  tick(exact, ticks);
  loop.run();
  const auto planned = start + ticks * period;
  return {drifts.timer.expiry() - planned, exact.timer.expiry() - planned};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"ticks", 8, "ticks of each periodic timer", {2, 100}}});
  const int ticks = program.integer("ticks");

  const Diary diary = program.scene("set as 3, 1, 4, 2; 2 cancels x", fire_in_order);
  const auto [drift, none] = program.scene("a tick every 10 ms", tick_side_by_side, ticks);

  pdc::check(diary.fired == "1234", "they fired in order of expiry", "{}", diary.fired);
  pdc::check(diary.aborted == "x", "the cancelled one got operation_aborted", "{}", diary.aborted);
  pdc::check(drift >= (ticks - 1) * work_time, "counted from now, the work of each tick adds up",
             "the last came {} ms late", drift / 1ms);
  pdc::check(none == 0ms, "counted from the expiry, n ticks come in n periods", "{} in {} ms",
             ticks, ticks * period / 1ms);
  return program.finish();
}
