// SPDX-License-Identifier: MIT
#pragma once

#include "played_clock.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <chrono>
#include <deque>
#include <memory>

/// The service of circuit_breaker. At first it hangs: it takes calls, and does not answer. When it
/// is back it works on all that it has taken, one in each millisecond, the oldest first.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Clock = PlayedClock;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

constexpr Clock::duration limit = 8ms;  // of a call
constexpr Clock::duration outage = 72ms, day = 160ms;

struct Service {
  asio::io_context loop = {};
  const Clock::time_point back = Clock::now() + outage, evening = Clock::now() + day;
  std::deque<std::weak_ptr<Timer>> calls = {};  // to work on; expired: nobody waits any more
  int in_vain = 0;                              // worked on, and nobody waits
};

struct Count {
  int in_outage = 0;  // calls
  int late = 0;       // calls that fail although the service is back
  int in_vain = 0;    // calls that it has worked on, and nobody waits
  int answered = 0;
  int refused = 0;  // by the breaker, after the first answer
};

void count_call(Count& count, bool in_outage, bool answered);

/// Whether an answer has come within the limit.
asio::awaitable<bool> call(Service& service);

asio::awaitable<void> work(Service& service, pdc::Lane lane);
