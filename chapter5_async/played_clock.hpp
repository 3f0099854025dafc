// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio.hpp>

#include <chrono>
#include <thread>

/// A clock that the program moves, to test code that waits: every run is the same to the
/// millisecond, on a busy machine, too. A timer that goes by it is
/// boost::asio::basic_waitable_timer<PlayedClock>.
struct PlayedClock {
  using duration = std::chrono::milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<PlayedClock>;
  static constexpr bool is_steady = true;
  static inline time_point time{};
  static time_point now() { return time; }

  static void pass(duration span) {
    std::this_thread::sleep_for(span);  // for the picture alone: it plays the time that passes
    time += span;
  }

  /// As loop.run() for the machine's clock: until no handler waits any more. Handlers take no time,
  /// unless they are very many: for tasks that ask again and again time passes, too.
  static void run(boost::asio::io_context& loop) {
    constexpr int very_many = 1000;
    while (!loop.stopped()) {
      int called = 0;
      while (called < very_many && loop.poll_one() == 1) ++called;
      if (called == 0 || called == very_many) pass(duration(1));
    }
  }
};

/// How long Asio should sleep until the expiry: not at all, for this clock stands meanwhile.
template <>
struct boost::asio::wait_traits<PlayedClock> {
  static PlayedClock::duration to_wait_duration(PlayedClock::duration) { return {}; }
  static PlayedClock::duration to_wait_duration(PlayedClock::time_point) { return {}; }
};
