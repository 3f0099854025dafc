// Thread pool: a few threads do many jobs, and each result comes back by a future.
//
// Concept   A pool keeps a few threads, which take jobs from a queue: so a job costs no thread, and
//           never more are at work than the pool has threads. Whoever submits a job gets a
//           future for its result. When the pool ends, it first does what it has accepted.
// Shows     std::jthread, std::condition_variable_any, std::stop_token, std::packaged_task
// Python    concurrent.futures.ThreadPoolExecutor
// Run       thread_pool --threads 3 --jobs 12
// You see   12 threads for 12 jobs, then 3; the jobs that wait when the pool ends are done as well
// Next      fast_pool shows what makes it cheap; executors are pools that exist already;
//           pool_shutdown has a pool that drops what waits

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <deque>
#include <future>
#include <latch>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

class Pool {
 public:
  explicit Pool(int threads) {
    for (int i = 0; i < threads; ++i)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
  ~Pool() {
    for (std::jthread& worker : workers_) worker.request_stop();
  }  // then ~jthread joins each

  template <class Job>
  requires std::invocable<Job&> std::future<std::invoke_result_t<Job&>> submit(Job job) {
    std::packaged_task<std::invoke_result_t<Job&>()> task(std::move(job));
    auto result = task.get_future();
    {
      const std::scoped_lock lock(mutex_);
      jobs_.emplace_back(std::move(task));
    }
    changed_.notify_one();
    return result;
  }

 private:
  void work(const std::stop_token& stop) {
    for (;;) {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !jobs_.empty(); }))
        return;  // it is asked to stop, and nothing is left
      auto job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any changed_;          // can be waited for with a stop token
  std::deque<std::packaged_task<void()>> jobs_;  // void: its result goes by the task inside
  std::vector<std::jthread> workers_;            // last: joined before the others are gone
};

struct Seen {
  int at_work = 0;  // jobs, at most at once
  int right = 0;    // cubes
  int lost = 0;     // jobs that were accepted, and never done
  std::string failure;
};

/// The pool ends while each of its threads is in its first job, and all other jobs wait.
Seen submit_to_pool(int jobs, int threads) {
  const int busy = std::min(jobs, threads);
  std::latch all_busy(busy);
  pdc::Meeting pool_ends(1 + busy);
  pdc::Gauge at_work;
  std::vector<std::future<int>> cubes;
  const pdc::Lane owner("owner");
  std::optional<Pool> pool(threads);  // after what its jobs use
  for (int n = 0; n < jobs; ++n) {
    const pdc::Lane lane("job {}", n);
    cubes.push_back(pool->submit([&, n, busy, lane, wait = lane.wait("a thread")]() mutable {
      wait.end();
      const auto work = lane.work("job");
      const auto visit = at_work.visit();
      if (n < busy) {
        all_busy.count_down();
        pool_ends.meet();  // forced: no thread is free before the pool ends
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(3 + n % 4));  // plays the job
      return n * n * n;
    }));
  }
  std::future<void> failing = pool->submit([] { throw std::domain_error("no result"); });
  all_busy.wait();  // forced: each thread is in its first job, and the others wait
  const auto wait = pool_ends.wait_outside(owner, "the end of the pool");
  pool.reset();
  Seen seen;
  seen.at_work = at_work.most();
  for (int n = 0; n < jobs; ++n) {
    try {
      if (cubes[n].get() == n * n * n) ++seen.right;
    } catch (const std::future_error&) {
      ++seen.lost;
    }
  }
  try {
    failing.get();
  } catch (const std::exception& error) {
    seen.failure = error.what();
  }
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"threads", 3, "threads of the pool", {1, 64}}, {"jobs", 12, "jobs to do", {2, 64}}});
  const int threads = program.integer("threads");
  const int jobs = program.integer("jobs");

  const Seen many = program.scene("a thread for each job", submit_to_pool, jobs, jobs);
  const Seen few = program.scene("a few threads for all jobs", submit_to_pool, jobs, threads);

  pdc::check(many.at_work == jobs, "with a thread for each job, all jobs are at work at once",
             "{} of {}", many.at_work, jobs);
  pdc::check(few.at_work == std::min(jobs, threads),
             "with a few threads, as many jobs are at work as there are threads, and never more",
             "{} of {}", few.at_work, jobs);
  pdc::check(few.right == jobs, "each result comes by its future", "{} of {}", few.right, jobs);
  pdc::check(few.lost == 0, "jobs that wait when the pool ends are done as well", "{} lost",
             few.lost);
  pdc::check(few.failure == "no result", "an exception comes by its future", "{}", few.failure);
  return program.finish();
}
