// Pool deadlock: a job that waits for jobs of its own pool keeps the worker that they need.
//
// Concept   A job that waits keeps its worker. If all workers are in jobs that wait for jobs behind
//           them in the queue, no worker is left to do those, and all wait for ever. So a job does
//           not wait for its parts: it counts them and ends, and the last part goes on.
// Shows     boost::asio::thread_pool, boost::asio::use_future, std::atomic, std::shared_ptr
// Python    concurrent.futures.ThreadPoolExecutor
// Run       pool_deadlock --workers 3
// You see   3 of 3 workers wait, and 0 of 6 parts have begun; where the last part goes on, no
//           worker waits, and all is done
// Next      fibonacci has a wait that does jobs meanwhile; coroutines wait and keep no thread

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

constexpr int parts = 2;  // of each job

struct Site {
  explicit Site(int workers) : all_busy(workers), all_wait(1 + workers), pool(workers) {}

  std::latch all_busy;         // each worker is in a job
  pdc::Meeting all_wait;       // each job waits for its parts, or has ended
  std::atomic<int> begun = 0;  // parts
  std::atomic<int> ended = 0;  // jobs
  std::atomic<int> total = 0;  // of what the jobs have found
  asio::thread_pool pool;      // last: it ends before what its jobs use
};

struct Part {
  Site& site;
  int number;
  pdc::Lane lane = pdc::Lane("part {}", number);
  pdc::Span in_queue = lane.wait("a worker");

  int operator()() {
    in_queue.end();
    const auto work = lane.work("part");
    ++site.begun;
    std::this_thread::sleep_for(2ms);  // plays the part
    return number * number;
  }
};

/// What is left of a job when its parts are done.
void finish_job(Site& site, const pdc::Lane& lane, int sum) {
  const auto work = lane.work("rest");
  std::this_thread::sleep_for(1ms);  // plays the rest
  site.total += sum;
}

/// Right: the job ends, and whichever part is done last goes on.
void go_on_after_parts(Site& site, const pdc::Lane& /*lane*/, int job) {
  struct State {
    std::atomic<int> missing = parts;
    std::atomic<int> sum = 0;
  };
  const auto state = std::make_shared<State>();  // the parts keep it: the job has ended by then
  for (int i = 0; i < parts; ++i) {
    asio::post(site.pool, [state, part = Part{site, job * parts + i}]() mutable {
      state->sum += part();
      if (--state->missing == 0) finish_job(part.site, part.lane, state->sum);
    });
  }
}

/// Wrong on purpose: the job waits, and so keeps its worker from the parts.
void wait_for_parts(Site& site, const pdc::Lane& lane, int job) {
  std::vector<std::future<int>> results;
  for (int i = 0; i < parts; ++i)
    results.push_back(asio::post(site.pool, asio::use_future(Part{site, job * parts + i})));
  int sum = 0;
  auto wait = site.all_wait.wait_outside(lane, "its parts");
  for (std::future<int>& result : results) sum += result.get();
  wait.end();
  finish_job(site, lane, sum);
}

struct Seen {
  int waiting, begun;  // jobs and parts, at the moment when each job waits or has ended
  int total;
};

/// A job for each worker, all of them at once.
Seen do_jobs(void (*do_parts)(Site&, const pdc::Lane&, int), int workers) {
  Site site(workers);
  for (int job = 0; job < workers; ++job) {
    asio::post(site.pool, [&site, do_parts, job, lane = pdc::Lane("job {}", job)] {
      const auto work = lane.work("job");
      site.all_busy.arrive_and_wait();  // forced: no worker is free when the parts come
      do_parts(site, lane, job);
      ++site.ended;
      site.all_wait.leave();
    });
  }
  site.all_wait.meet();  // forced: each job that has not ended sleeps in its wait
  Seen seen{workers - site.ended, site.begun, 0};
  std::jthread helper;
  if (seen.waiting == workers) {
    pdc::fault("all wait for ever");
    helper = std::jthread([&site, lane = pdc::Lane("helper")] {
      const auto work = lane.work("one worker more");
      site.pool.attach();  // without it, the pool would never end
    });
  }
  site.pool.join();
  seen.total = site.total;
  return seen;
}  // ~jthread joins the helper

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "threads of the pool", {2, 64}}});
  const int workers = program.integer("workers");

  const Seen waits =
      program.scene("each job waits for its parts", do_jobs, wait_for_parts, workers);
  const Seen goes_on = program.scene("the last part goes on", do_jobs, go_on_after_parts, workers);

  const int all = workers * parts;
  const int squares = (all - 1) * all * (2 * all - 1) / 6;
  pdc::check(waits.waiting == workers && waits.begun == 0,
             "where each job waits for its parts, all workers wait and no part begins",
             "{} of {} wait, {} of {} begin", waits.waiting, workers, waits.begun, all);
  pdc::check(waits.total == squares, "with one worker more, these jobs get all their parts",
             "{} of {}", waits.total, squares);
  pdc::check(goes_on.waiting == 0, "where the last part goes on, no worker waits", "{} of {} wait",
             goes_on.waiting, workers);
  pdc::check(goes_on.total == squares, "where the last part goes on, each job gets all its parts",
             "{} of {}", goes_on.total, squares);
  return program.finish();
}
