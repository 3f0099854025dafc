// Pool shutdown: what becomes of the jobs that still wait when a pool ends.
//
// Concept   When a pool ends, its workers finish the jobs that they are in. The jobs that still wait
//           are done or dropped. Asio's pool does them all if it is joined first; its destructor
//           stops it first, and drops them. A dropped job tells nobody but its future, and that
//           only when the pool is gone.
// Shows     boost::asio::thread_pool, join, stop, boost::asio::use_future, std::future_error
// Python    concurrent.futures.Executor.shutdown
// Run       pool_shutdown --workers 2 --jobs 6
// You see   left to its destructor, a pool does 0 of 6 jobs, and 6 promises are broken; joined
//           first, it does 6 of 6; stopped and kept, it leaves 6 futures without any answer
// Next      pool_deadlock has a queue that nobody empties; thread_class asks a job to stop

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <iterator>
#include <latch>
#include <optional>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using Pool = std::optional<asio::thread_pool>;  // so that it ends where the page says so

/// Right: all jobs are done before the pool ends.
void join_first(Pool& pool) {
  pool->join();
  pool.reset();
}

/// Wrong on purpose: ~thread_pool stops first, which drops what waits, and then joins.
void leave_to_destructor(Pool& pool) {
  pool.reset();
}

/// Wrong on purpose: drops the same jobs, and keeps what is left of them as long as the pool.
void stop_and_keep(Pool& pool) {
  pool->stop();
  pool->join();
}

struct Seen {
  int done = 0;     // jobs, as they say themselves
  int results = 0;  // that came
  int broken = 0;   // promises
  int silent = 0;   // futures that have neither a result nor an exception
};

void ask(std::vector<std::future<int>>& futures, Seen& seen) {
  for (int n = 0; n < std::ssize(futures); ++n) {
    std::future<int>& future = futures[n];
    if (future.wait_for(0s) != std::future_status::ready) {
      ++seen.silent;  // get() would wait as long as the pool is there
      continue;
    }
    try {
      if (future.get() == n * n) ++seen.results;
    } catch (const std::future_error& error) {
      if (error.code() == std::future_errc::broken_promise) ++seen.broken;
    }
  }
}

/// The jobs come while all workers are busy, and wait until the pool ends.
Seen end_pool(void (*end)(Pool&), int workers, int jobs) {
  std::latch all_busy(workers);
  pdc::Meeting pool_ends(1 + workers);
  std::atomic<int> done = 0;
  std::vector<std::future<int>> futures;
  const pdc::Lane owner("owner");
  Pool pool(workers);  // after what its jobs use
  for (int i = 0; i < workers; ++i) {
    asio::post(*pool, [&, lane = pdc::Lane("early job {}", i)] {
      const auto work = lane.work("job");
      all_busy.count_down();
      pool_ends.meet();  // forced: it is not done before the owner waits for the end of the pool
      std::this_thread::sleep_for(2ms);  // plays the rest of the job
    });
  }
  all_busy.wait();  // forced: no worker is free, so what comes now waits
  for (int n = 0; n < jobs; ++n) {
    const pdc::Lane lane("job {}", n);
    auto job = [&done, n, lane, wait = lane.wait("a worker")]() mutable {
      wait.end();
      const auto work = lane.work("job");
      std::this_thread::sleep_for(2ms);  // plays the job
      ++done;
      return n * n;
    };
    futures.push_back(asio::post(*pool, asio::use_future(std::move(job))));
  }
  auto wait = pool_ends.wait_outside(owner, "the end of the pool");
  end(pool);
  wait.end();
  Seen seen{done};
  ask(futures, seen);
  if (seen.results < jobs) pdc::fault("jobs dropped");
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"workers", 2, "threads of the pool", {1, 64}}, {"jobs", 6, "jobs that wait", {1, 64}}});
  const int workers = program.integer("workers");
  const int jobs = program.integer("jobs");

  const Seen left =
      program.scene("left to its destructor", end_pool, leave_to_destructor, workers, jobs);
  const Seen joined = program.scene("joined first", end_pool, join_first, workers, jobs);
  const Seen kept = program.scene("stopped, and kept", end_pool, stop_and_keep, workers, jobs);

  pdc::check(left.done == 0, "left to its destructor, Asio's pool does no job that waits",
             "{} of {} done", left.done, jobs);
  pdc::check(left.broken == jobs,
             "when Asio's pool is gone, each job that it dropped has broken its promise",
             "{} of {}", left.broken, jobs);
  pdc::check(joined.done == jobs, "joined first, Asio's pool does every job that waits",
             "{} of {} done", joined.done, jobs);
  pdc::check(joined.results == jobs, "joined first, each job's result comes by its future",
             "{} of {}", joined.results, jobs);
  pdc::check(kept.done == 0 && kept.silent == jobs,
             "as long as Asio's stopped pool is there, no future of a dropped job has an answer",
             "{} of {} silent", kept.silent, jobs);
  return program.finish();
}
