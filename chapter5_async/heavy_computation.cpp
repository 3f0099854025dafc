// Heavy computation: it stops an event loop, unless it is handed to a pool.
//
// Concept   While a handler computes, nothing else on the loop has a turn. A coroutine is no help:
//           it gives its turn away only where something has to be waited for. So heavy work goes to
//           a pool, of threads or of processes, and the loop awaits the result. Both use all cores;
//           threads share their memory, processes only what they are told to share.
// Shows     co_spawn on a thread_pool, asio::awaitable, steady_timer, pdc::Child, pdc::Shared
// Python    loop.run_in_executor, asyncio.to_thread, ProcessPoolExecutor
// Run       heavy_computation --jobs 24 --workers 2
// You see   the same jobs three ways, and what each gains; a heart that stops while the loop
//           computes, and goes on when a pool does
// Next      timeouts gives up what takes too long; process_pool replaces a process that dies

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <boost/asio.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr int piece = 20'000, least = 3;  // numbers in a job; heartbeats while a pool is at work

/// Whoever is free takes the next job, the longest ones first, so that all are through at about the
/// same time. Works between threads, and between processes that share it.
struct Jobs {
  void work(const pdc::Lane& lane) {
    for (std::int64_t job; (job = left--) > 0;) {
      const auto span = lane.work("job {}", job);
      primes += pdc::count_primes((job - 1) * piece, job * piece);
    }
  }
  std::atomic<std::int64_t> left, primes = 0;
};

std::int64_t in_turn(int all) {
  Jobs jobs{all};
  jobs.work(pdc::Lane("main"));
  return jobs.primes;
}

std::int64_t by_processes(int all, int workers) {
  const pdc::Shared<Jobs> jobs(all);
  {
    std::vector<pdc::Child> processes;  // from this thread, and while there is no other
    for (int i = 0; i < workers; ++i)
      processes.emplace_back([&, lane = pdc::Lane("process {}", i)] { jobs->work(lane); });
  }  // ~Child waits here
  return jobs->primes;
}

std::int64_t by_threads(int all, int workers) {
  Jobs jobs{all};
  asio::thread_pool pool(static_cast<std::size_t>(workers));
  for (int i = 0; i < workers; ++i)
    asio::post(pool, [&, lane = pdc::Lane("thread {}", i)] { jobs.work(lane); });
  pool.join();
  return jobs.primes;
}

std::vector<std::int64_t> all_three_ways(int jobs, int workers) {
  return {in_turn(jobs), by_processes(jobs, workers), by_threads(jobs, workers)};
}

struct Day {
  Jobs jobs;
  asio::io_context loop = asio::io_context();
  std::atomic<int> beats = 0;
  int meanwhile = -1;  // heartbeats while the jobs were done; none: they are not yet
};

/// Does all jobs, and gives the heartbeats meanwhile. Forced: it waits until there are so many.
asio::awaitable<int> do_jobs(Day& day, pdc::Lane lane, int at_least) {
  const int before = day.beats;
  day.jobs.work(lane);
  for (int seen; (seen = day.beats) < before + at_least;) day.beats.wait(seen);
  co_return day.beats - before;
}

/// Wrong on purpose: a coroutine as well, but nothing in it waits, so the loop stands still.
asio::awaitable<int> compute_on_loop(Day& day, pdc::Lane caller) {
  co_return co_await do_jobs(day, caller, 0);
}

asio::awaitable<int> compute_on_pool(Day& day, pdc::Lane caller) {
  const pdc::Lane lane("pool");
  asio::thread_pool pool(1);
  const auto wait = caller.wait("result");
  co_return co_await asio::co_spawn(pool, do_jobs(day, lane, least), asio::use_awaitable);
}

using Compute = asio::awaitable<int>(Day&, pdc::Lane);
asio::awaitable<void> call(Day& day, pdc::Lane lane, Compute* compute) {
  asio::steady_timer begin(day.loop, 9ms);  // plays the time before the call
  co_await begin.async_wait(asio::use_awaitable);
  day.meanwhile = co_await compute(day, lane);
}

asio::awaitable<void> beat(Day& day, pdc::Lane lane) {
  asio::steady_timer pause(day.loop);
  for (int after = 0; after < least; after += day.meanwhile < 0 ? 0 : 1) {
    auto work = lane.work("beat");
    std::this_thread::sleep_for(1ms);  // plays what a heartbeat does
    work.end();
    ++day.beats;
    day.beats.notify_one();
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

void compare(pdc::Program& program, int jobs, int workers) {
  pdc::say_speedup(program,
                   {{"in turn", 1, [&] { in_turn(jobs); }},
                    {"processes", workers, [&] { by_processes(jobs, workers); }},
                    {"threads", workers, [&] { by_threads(jobs, workers); }}},
                   3);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"jobs", 24, "heavy jobs", {1, 64}}, {"workers", 2, "of each pool", {1, 32}}});
  const int jobs = program.integer("jobs"), workers = program.integer("workers");
  Day blocked{{jobs}}, free{{jobs}};

  const auto totals = program.scene("all three ways", all_three_ways, jobs, workers);
  program.scene("on the event loop", spend, blocked, compute_on_loop);
  program.scene("handed to a pool", spend, free, compute_on_pool);
  compare(program, jobs, workers);

  const std::int64_t primes = pdc::sieve_primes(jobs * piece);
  const std::int64_t on_loop = blocked.jobs.primes, on_pool = free.jobs.primes;
  pdc::check(totals[0] == primes, "in turn: the primes of a sieve", "{}", totals[0]);
  pdc::check(totals[1] == primes, "by processes: the same", "{}", totals[1]);
  pdc::check(totals[2] == primes, "by threads: the same", "{}", totals[2]);
  pdc::check(on_loop == primes, "on the loop: the same", "{}", on_loop);
  pdc::check(on_pool == primes, "handed to a pool: the same", "{}", on_pool);
  pdc::check(blocked.meanwhile == 0, "on the loop: no beat meanwhile", "{}", blocked.meanwhile);
  pdc::check(free.meanwhile >= least, "on a pool: the heart went on", "{} beats", free.meanwhile);
  return program.finish();
}
