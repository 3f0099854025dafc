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

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <future>
#include <latch>
#include <map>
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

struct Result {
  std::int64_t cube;
  pid_t thread;
  int before;  // jobs that had begun
};

struct Seen {
  int threads = 0;    // that did the jobs
  int right = 0;      // cubes
  int lost = 0;       // jobs that were accepted, and never done
  int overtaken = 0;  // jobs that their thread began before one that had come earlier
  std::string failure;
};

Seen look_at(std::vector<std::future<Result>>& results, std::future<int>& failing) {
  Seen seen;
  std::map<pid_t, int> latest;  // job of each thread, as the how many-th it was begun
  for (int n = 0; n < std::ssize(results); ++n) {
    try {
      const Result result = results[n].get();
      if (result.cube == std::int64_t{n} * n * n) ++seen.right;
      int& last = latest.try_emplace(result.thread, -1).first->second;
      if (result.before < last) ++seen.overtaken;
      last = result.before;
    } catch (const std::future_error&) {
      ++seen.lost;
    }
  }
  seen.threads = static_cast<int>(latest.size());
  try {
    failing.get();
  } catch (const std::exception& error) {
    seen.failure = error.what();
  }
  return seen;
}

/// The pool ends while each of its threads is in its first job, and all other jobs wait.
Seen submit_to_pool(int jobs, int threads) {
  std::latch all_busy(std::min(jobs, threads));
  pdc::Meeting pool_ends(1 + std::min(jobs, threads));
  std::atomic<int> begun = 0;
  std::vector<std::future<Result>> results;
  const pdc::Lane owner("owner");
  std::optional<Pool> pool(threads);  // after what its jobs use
  for (int n = 0; n < jobs; ++n) {
    const pdc::Lane lane("job {}", n);
    results.push_back(
        pool->submit([&, n, threads, lane, wait = lane.wait("a thread")]() mutable -> Result {
          wait.end();
          const auto work = lane.work("job");
          const int before = begun++;
          if (n < threads) {
            all_busy.count_down();
            pool_ends.meet();  // forced: no thread is free before the pool ends
          }
          std::this_thread::sleep_for(std::chrono::milliseconds(3 + n % 4));  // plays the job
          return {std::int64_t{n} * n * n, gettid(), before};
        }));
  }
  std::future<int> failing = pool->submit([]() -> int { throw std::domain_error("no result"); });
  all_busy.wait();  // forced: each thread is in its first job, and the others wait
  auto wait = pool_ends.wait_outside(owner, "the end of the pool");
  pool.reset();
  wait.end();
  return look_at(results, failing);
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

  pdc::check(many.threads == jobs,
             "with a thread for each job, as many threads as jobs are at work", "{} of {}",
             many.threads, jobs);
  pdc::check(few.threads == std::min(jobs, threads), "a few threads do all jobs", "{} of {}",
             few.threads, threads);
  pdc::check(few.right == jobs, "each result comes by its future", "{} of {}", few.right, jobs);
  pdc::check(few.lost == 0, "jobs that wait when the pool ends are done as well", "{} lost",
             few.lost);
  pdc::check(few.overtaken == 0, "each thread begins its jobs in the order in which they came",
             "{} of {} overtaken", few.overtaken, jobs);
  pdc::check(few.failure == "no result", "an exception comes by its future", "{}", few.failure);
  return program.finish();
}
