// SPDX-License-Identifier: MIT
#include "stopped_ends.hpp"

#include "pdc/coroutine.hpp"

#include <array>
#include <cstddef>

namespace {

constexpr auto stop_time = 13ms;
constexpr auto evening = 100ms;  // an end that still waits then would wait for ever

}  // namespace

Outcome spend_day(Clock::duration limit, Habit work, const Habits& habits) {
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
