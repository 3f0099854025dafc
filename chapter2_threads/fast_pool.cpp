// Fast pool: the same as a thread pool, and what makes a job cheap.
//
// Concept   In a pool an almost empty job costs a lock, a waking and some memory. Most of that can be
//           saved: take all jobs that have come in one go, wake a worker only for the first of them,
//           and put job, promise and result into one piece of memory.
// Shows     std::condition_variable, std::make_shared, std::exception_ptr, std::atomic
// Python    concurrent.futures.ThreadPoolExecutor
// Run       fast_pool --threads 3 --jobs 12
// You see   jobs that come before a worker is free are taken in one go; ./pdc bench counts the rest
// Next      executors compares ready-made pools; process_pool replaces a worker that dies

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
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
    if (error) std::rethrow_exception(error);
    return std::move(result);
  }
  Result result{};
  std::exception_ptr error;
  std::atomic<bool> awaited = false, ready = false;
};

template <class Work>
struct Task final : Future<std::invoke_result_t<Work&>> {
  explicit Task(Work todo) : work(std::move(todo)) {}
  void run() override {
    try {
      this->result = work();
    } catch (...) {
      this->error = std::current_exception();
    }
    this->ready = true;
    if (this->awaited) this->ready.notify_one();  // else nobody sleeps: no system call
  }
  Work work;
};

class Pool {
 public:
  ~Pool() { push(nullptr); }  // then ~jthread joins each: what was accepted is done

  void start(int threads) {
    for (int i = 0; i < threads; ++i) {
      workers_.emplace_back([this, lane = pdc::Lane("worker {}", i)] {
        while (const std::shared_ptr<Job> job = next()) {
          const auto work = lane.work("job");
          job->run();
        }
      });
    }
  }
  auto submit(auto work) {  // returns a shared pointer to a Future
    auto task = std::make_shared<Task<decltype(work)>>(std::move(work));
    push(task);
    return task;
  }
  int last_haul() const { return last_haul_; }  // how many jobs were taken in one go

 private:
  void push(std::shared_ptr<Job> job) {  // null: the end
    const std::scoped_lock lock(mutex_);
    submitted_.push_back(std::move(job));
    if (submitted_.size() == 1) changed_.notify_one();  // else it has been woken already
  }
  std::shared_ptr<Job> next() {
    const std::scoped_lock first_in_line(taking_);  // the others wait here for their turn
    if (ready_.empty()) {
      const auto soon = std::chrono::steady_clock::now() + std::chrono::microseconds(3);
      while (std::chrono::steady_clock::now() < soon) continue;  // jobs gather; to sleep is slower
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !submitted_.empty(); });
      std::swap(ready_, submitted_);  // all at once: whoever submits is rarely in the way
      last_haul_ = static_cast<int>(ready_.size());
    }
    auto job = std::move(ready_.front());
    if (job) ready_.pop_front();  // else it stays, as the end of all workers
    return job;
  }

  std::mutex taking_, mutex_;  // for ready_; for all the others
  std::deque<std::shared_ptr<Job>> ready_, submitted_;
  std::condition_variable changed_;
  std::atomic<int> last_haul_ = 0;
  std::vector<std::jthread> workers_;  // last: joined before the others are gone
};

/// Returns how many results came, how many exceptions, and how many jobs in one go.
std::array<int, 3> submit_to_pool(int jobs, int threads) {
  Pool pool;
  std::vector<std::shared_ptr<Future<int>>> futures;
  for (int n = 0; n < jobs; ++n) {
    futures.push_back(pool.submit([n] {
      std::this_thread::sleep_for(std::chrono::milliseconds(4 + 3 * (n % 4)));  // plays the job
      if (n == 0) throw std::domain_error("no result");
      return n * n * n;
    }));
  }
  pool.start(threads);  // forced: no worker is free before all jobs have come
  int right = 0, failed = 0;
  for (int n = 0; n < jobs; ++n) {
    try {
      if (futures[n]->get() == n * n * n) ++right;
    } catch (const std::domain_error&) {
      ++failed;
    }
  }
  return {right, failed, pool.last_haul()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 3, "workers", {1, 64}}, {"jobs", 12, "jobs to do", {2, 64}}});
  const int threads = program.integer("threads"), jobs = program.integer("jobs");
  const auto [right, failed, last_haul] =
      program.scene("jobs come before a worker is free", submit_to_pool, jobs, threads);
  pdc::check(last_haul == jobs, "jobs that come before a worker is free are taken in one go",
             "{} of {}", last_haul, jobs);
  pdc::check(right == jobs - 1 && failed == 1,
             "each result, and the exception of a job that fails, comes by its future",
             "{} and {} of {}", right, failed, jobs);
  return program.finish();
}
