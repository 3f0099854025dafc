// Timers: the loop waits for many moments at once, and calls a handler when each has come.
//
// Concept   A timer has an expiry, a moment of a clock that never goes back, and handlers that wait
//           for it. To cancel it calls them at once, with an error. A tick that is counted from now
//           comes later each time, by the work in between; counted from the last expiry it does not.
// Shows     boost::asio::basic_waitable_timer, async_wait, cancel, expires_after, expires_at, expiry
// Python    loop.call_later, loop.call_at, TimerHandle.cancel
// Run       timers --ticks 8
// You see   alarms in order of expiry, one cancelled; ticks that come 0, 3, 6 ... 21 ms late, then all on time
// Next      coroutines needs no handler for each moment; timeouts ends what takes too long

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

/// A clock that the program moves, so that every run is the same to the millisecond, on a busy
/// machine, too. It sleeps along, so that the picture shows the times.
struct Clock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<Clock>;
  static constexpr bool is_steady = true;
  static inline time_point time{};
  static time_point now() { return time; }
  static void pass(duration span) {
    std::this_thread::sleep_for(span);  // plays the time that passes, and orders nothing
    time += span;
  }
};

/// How long Asio should sleep until the expiry: not at all, for this clock stands meanwhile.
template <>
struct boost::asio::wait_traits<Clock> {
  static Clock::duration to_wait_duration(Clock::duration) { return 0ms; }
  static Clock::duration to_wait_duration(Clock::time_point) { return 0ms; }
};

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

constexpr auto period = 10ms;
constexpr auto work_time = 3ms;

/// As loop.run() for the machine's clock: until no handler waits any more.
void run(asio::io_context& loop) {
  while (!loop.stopped()) {
    if (loop.poll() == 0) Clock::pass(1ms);
  }
}

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
  wait_for(two, "2", diary);
  two.async_wait([&x](error_code) { x.cancel(); });  // a timer calls all that wait for it
  run(loop);
  return diary;
}

/// Wrong on purpose: now is later than the expiry, by the work that was done since.
void count_from_now(Timer& timer) {
  timer.expires_after(period);
}

void count_from_expiry(Timer& timer) {
  timer.expires_at(timer.expiry() + period);
}

struct Ticker {
  void (*set_next)(Timer&);
  Timer timer;
  std::vector<Clock::duration> late = {};  // each tick, by the clock in its handler
  Clock::time_point start = Clock::now();
  pdc::Lane lane{"ticker"};

  void wait(int left) {
    timer.async_wait([this, left](error_code) {
      const auto due = start + (late.size() + 1) * period;
      const auto work = lane.work("tick {}", late.size() + 1);
      late.push_back(Clock::now() - due);
      Clock::pass(work_time);
      set_next(timer);
      if (left > 1) wait(left - 1);
    });
  }
};

std::vector<Clock::duration> tick(void (*set_next)(Timer&), int ticks) {
  asio::io_context loop;
  Ticker ticker{set_next, Timer(loop, period)};
  ticker.wait(ticks);
  run(loop);
  return ticker.late;
}

/// How many ticks were as late as they must be: the first not at all, each later by `more`.
int count_late_by(Clock::duration more, const std::vector<Clock::duration>& late) {
  int count = 0;
  for (std::size_t i = 0; i < late.size(); ++i) {
    if (late[i] == i * more) ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"ticks", 8, "ticks of each periodic timer", {2, 100}}});
  const int ticks = program.integer("ticks");

  const Diary diary = program.scene("set as 3, 1, x, 2, and 2 cancels x", set_alarms);
  const auto from_now = program.scene("ticks counted from now", tick, count_from_now, ticks);
  const auto exact = program.scene("from the last expiry", tick, count_from_expiry, ticks);

  pdc::check(diary.rung == "1 at 10 ms, 2 at 20 ms, 3 at 30 ms",
             "alarms ring in the order of their expiries, each at its moment", "{}", diary.rung);
  pdc::check(diary.cancelled == "x at 20 ms", "a cancelled alarm is called at once, with an error",
             "{}", diary.cancelled);
  const int later = count_late_by(work_time, from_now);
  const int on_time = count_late_by(0ms, exact);
  pdc::check(later == ticks, "counted from now, a tick is late by the work of all before it",
             "{} of {} ticks, 3 ms more each time", later, ticks);
  pdc::check(on_time == ticks, "counted from the last expiry, every tick is on time",
             "{} of {} ticks", on_time, ticks);
  return program.finish();
}
