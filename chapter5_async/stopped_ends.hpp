// SPDX-License-Identifier: MIT
#pragma once

#include "played_clock.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <optional>
#include <string_view>
#include <vector>

/// Connections, some ends of which are stopped, for the page heartbeat.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

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

struct Outcome {
  bool has_result;                     // coordinator A
  std::vector<Clock::rep> found = {};  // ms until a stopped end was suspected
  int wronged = 0;                     // ends that were suspected, and not stopped
  int waiting = 0;                     // ends that wait for the result of a stopped one
};

using Habit = asio::awaitable<void> (*)(End&);  // a task that each end has
using Habits = std::vector<Habit>;

/// Workers A, B and C compute for their coordinators. Worker B and coordinator C are stopped meanwhile.
Outcome spend_day(Clock::duration limit, Habit work, const Habits& habits);
