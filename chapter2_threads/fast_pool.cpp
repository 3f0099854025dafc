// Fast pool: the same as a thread pool, and what makes a job cheap.
//
// Concept   In a pool an almost empty job costs a lock, a waking and some memory. Most of that can be
//           saved: take all jobs that have come in one go, wake a worker only for the first of them,
//           and put job, promise and result into one piece of memory.
// Shows     std::condition_variable, std::make_shared, std::exception_ptr, std::atomic, std::latch
// Python    concurrent.futures.ThreadPoolExecutor
// Run       fast_pool --threads 3 --jobs 12
// You see   what thread_pool shows; ./pdc bench fast_pool counts allocations and system calls
// Next      executors compares ready-made pools; process_pool replaces a worker that dies

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace {

struct Job {
  virtual ~Job() = default;
  virtual void run() = 0;
};

template <class Result>
struct Future : Job {  // what will come of the job, in the same piece of memory
  Result get() {       // waits; only once
    awaited = true;
    ready.wait(false);
    if (auto* error = std::get_if<std::exception_ptr>(&outcome)) std::rethrow_exception(*error);
    return std::move(std::get<Result>(outcome));
  }
  std::variant<std::exception_ptr, Result> outcome;
  std::atomic<bool> awaited = false, ready = false;
};

template <class Work>
struct Task final : Future<std::invoke_result_t<Work&>> {
  explicit Task(Work todo) : work(std::move(todo)) {}
  void run() override {
    try {
      this->outcome = work();
    } catch (...) {
      this->outcome = std::current_exception();
    }
    this->ready = true;
    if (this->awaited) this->ready.notify_one();  // else nobody sleeps: no system call
  }
  Work work;
};

class Pool {
 public:
  explicit Pool(int threads) : Pool() {  // so that ~Pool ends the others if a thread cannot start
    for (int i = 0; i < threads; ++i) {
      workers_.emplace_back([this, lane = pdc::Lane("worker {}", i)] {
        while (const std::shared_ptr<Job> job = next(lane)) {
          const auto work = lane.work("job");
          job->run();
        }
      });
    }
  }
  ~Pool() { stop(); }  // then ~jthread joins each: what was accepted is done

  template <class Work>
  std::shared_ptr<Future<std::invoke_result_t<Work&>>> submit(Work work) {
    auto task = std::make_shared<Task<Work>>(std::move(work));
    const std::scoped_lock lock(mutex_);
    if (stopped_) throw std::logic_error("the pool is stopped");
    submitted_.push_back(task);
    if (submitted_.size() == 1) changed_.notify_one();  // else it has been woken already
    return task;
  }

  void stop() {  // takes no more jobs, finishes those it has
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_one();
  }

 private:
  Pool() = default;

  std::shared_ptr<Job> next(const pdc::Lane& lane) {  // null: stopped, and nothing is left
    const auto wait = lane.wait("a job");
    const std::scoped_lock first_in_line(taking_);  // the others wait here for their turn
    if (ready_.empty()) {
      const auto soon = std::chrono::steady_clock::now() + std::chrono::microseconds(3);
      while (std::chrono::steady_clock::now() < soon) continue;  // jobs gather; to sleep is slower
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return stopped_ || !submitted_.empty(); });
      std::swap(ready_, submitted_);  // all at once: whoever submits is rarely in the way
    }
    if (ready_.empty()) return nullptr;
    auto job = std::move(ready_.front());
    ready_.pop_front();
    return job;
  }

  std::mutex taking_, mutex_;  // for ready_; for all the others
  std::deque<std::shared_ptr<Job>> ready_, submitted_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::vector<std::jthread> workers_;  // last: joined before the others are gone
};

template <class Call>
std::string error_of(Call call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing thrown";
}

struct Seen {
  int threads = 0, cubes = 0;  // that did the jobs; that came, in order
  std::string failure, refusal;
};

Seen submit_to_pool(int jobs, int threads) {
  Seen seen;
  std::latch go(std::min(jobs, threads) + 1);
  Pool pool(threads);  // after what its jobs use
  std::vector<std::shared_ptr<Future<std::pair<int, pid_t>>>> futures;
  for (int n = 0; n < jobs; ++n) {
    futures.push_back(pool.submit([&, n] {
      if (n < threads) go.arrive_and_wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(4 + 3 * (n % 4)));  // plays the job
      return std::pair(n * n * n, gettid());
    }));
  }
  const auto failing = pool.submit([]() -> int { throw std::domain_error("no result"); });
  pool.stop();  // forced: no worker is past the latch yet, so the jobs behind it wait
  seen.refusal = error_of([&] { pool.submit([] { return 0; }); });
  go.arrive_and_wait();
  std::set<pid_t> ids;
  for (const auto& future : futures) {
    const auto [cube, thread] = future->get();
    ids.insert(thread);
    if (const int n = seen.cubes; cube == n * n * n) ++seen.cubes;
  }
  seen.threads = static_cast<int>(ids.size());
  seen.failure = error_of([&] { failing->get(); });
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 3, "workers", {1, 64}}, {"jobs", 12, "jobs to do", {2, 64}}});
  const int threads = program.integer("threads");
  const int jobs = program.integer("jobs");

  const Seen seen = program.scene("a few threads for all jobs", submit_to_pool, jobs, threads);

  pdc::check(seen.threads == std::min(jobs, threads), "a few threads do all jobs", "{} of {}",
             seen.threads, threads);
  pdc::check(seen.cubes == jobs, "the results come in order", "{} of {}", seen.cubes, jobs);
  pdc::check(seen.refusal == "the pool is stopped", "a pool that is stopped takes no more jobs",
             "{}", seen.refusal);
  pdc::check(seen.failure == "no result", "an exception comes by its future", "{}", seen.failure);
  return program.finish();
}
