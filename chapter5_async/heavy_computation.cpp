// Heavy computation: it stops an event loop, unless it is handed to a pool.
//
// Concept   While a handler computes, nothing else on the loop has a turn. A coroutine is no help:
//           it gives up its turn only at a co_await that suspends it. So heavy work goes to a pool
//           of threads, and the loop awaits its result, as it awaits a timer or a socket.
// Shows     boost::asio::co_spawn, boost::asio::thread_pool, running_in_this_thread, use_awaitable
// Python    loop.run_in_executor, asyncio.to_thread
// Run       heavy_computation --jobs 24
// You see   a heart that stops while the loop computes, and beats on when a pool does
// Next      timeouts gives up what takes too long; process_pool replaces a process that dies

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <boost/asio.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Number = std::int64_t;

constexpr Number piece = 20'000;  // numbers that a job looks at
constexpr int least = 3;          // heartbeats during the work of a pool, and after either act

struct Day {
  const int jobs;
  asio::io_context loop{};
  std::atomic<int> beats = 0;  // the pool looks at it, too
  int meanwhile = -1;          // heartbeats while the jobs were done
  Number primes = 0;
  bool is_back = false;  // the caller, on the loop's thread
  bool is_over = false;
  asio::thread_pool pool{1};  // last: its end waits for its work, which uses the others
};

/// Forced: it computes on until the heart has beaten, unless it keeps the heart's own thread.
void outlast_beats(Day& day, int enough, const pdc::Lane& lane) {
  if (day.loop.get_executor().running_in_this_thread()) return;
  while (day.beats < enough) {
    const auto work = lane.work("more");
    pdc::count_primes(0, piece);
  }
}

/// Heavy: there is no co_await in it, so it keeps the thread that it begins on.
asio::awaitable<Number> count_primes(Day& day, pdc::Lane lane) {
  const int before = day.beats;
  Number primes = 0;
  for (int job = 0; job < day.jobs; ++job) {
    const auto work = lane.work("job {}", job);
    primes += pdc::count_primes(job * piece, (job + 1) * piece);
  }
  outlast_beats(day, before + least, lane);
  day.meanwhile = day.beats - before;
  co_return primes;
}

/// Wrong on purpose: it is awaited, but it never waits, so the loop stands still.
asio::awaitable<Number> compute_on_loop(Day& day, pdc::Lane caller) {
  co_return co_await count_primes(day, caller);
}

asio::awaitable<Number> compute_on_pool(Day& day, pdc::Lane caller) {
  const auto wait = caller.wait("result");
  auto work = count_primes(day, pdc::Lane("pool"));
  co_return co_await asio::co_spawn(day.pool, std::move(work), asio::use_awaitable);
}

using Compute = asio::awaitable<Number>(Day&, pdc::Lane);

asio::awaitable<void> call(Day& day, pdc::Lane lane, Compute* compute) {
  asio::steady_timer begin(day.loop, 9ms);  // plays the time before the call
  co_await begin.async_wait(asio::use_awaitable);
  day.primes = co_await compute(day, lane);
  day.is_back = day.loop.get_executor().running_in_this_thread();
  day.is_over = true;
}

asio::awaitable<void> beat(Day& day, pdc::Lane lane) {
  asio::steady_timer pause(day.loop);
  int after = 0;
  while (after < least) {
    auto work = lane.work("beat");
    std::this_thread::sleep_for(1ms);  // plays what a heartbeat does, briefly
    work.end();
    ++day.beats;
    if (day.is_over) ++after;
    const auto wait = lane.wait("next beat");
    pause.expires_after(2ms);  // plays the pause between two
    co_await pause.async_wait(asio::use_awaitable);
  }
}

void spend(Day& day, Compute* compute) {
  asio::co_spawn(day.loop, beat(day, pdc::Lane(pdc::task, "heart")), pdc::rethrow);
  asio::co_spawn(day.loop, call(day, pdc::Lane(pdc::task, "caller"), compute), pdc::rethrow);
  day.loop.run();  // both of them on this thread, in turns
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"jobs", 24, "jobs of the computation", {1, 64}}});
  const int jobs = program.integer("jobs");
  Day on_loop{jobs}, on_pool{jobs};

  program.scene("on the event loop", spend, on_loop, compute_on_loop);
  program.scene("handed to a pool", spend, on_pool, compute_on_pool);

  const Number primes = pdc::sieve_primes(jobs * piece);
  pdc::check(on_loop.meanwhile == 0, "while the loop computes, its heart does not beat", "{} beats",
             on_loop.meanwhile);
  pdc::check(on_pool.meanwhile >= least, "while a pool computes, the loop's heart beats on",
             "{} beats", on_pool.meanwhile);
  pdc::check(on_pool.is_back, "with the pool's result, the caller goes on on the loop's thread");
  pdc::check(on_loop.primes == primes && on_pool.primes == primes,
             "the loop and the pool find the primes of a sieve", "{} and {}", on_loop.primes,
             on_pool.primes);
  return program.finish();
}
