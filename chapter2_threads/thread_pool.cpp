// Thread pool: a few threads do many jobs, and each result comes back by a future.
//
// Concept   To start a thread for every job costs more than a small job itself, and many jobs make
//           many threads. A pool starts a few once; they take job after job from a queue. Whoever
//           submits a job gets a future at once, and the result or the exception when it is there.
// Shows     std::condition_variable, std::make_shared, std::exception_ptr, std::async,
//           tbb::task_group, tbb::task_arena, boost::asio::thread_pool
// Python    concurrent.futures.ThreadPoolExecutor
// Run       thread_pool --threads 3 --jobs 12
// You see   12 threads without the pool, 3 with it; the cubes in order, and what a job costs
// Next      multi_tasking gives two problems to a pool; process_pool replaces a worker that dies

#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <future>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
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

/// What comes of a job, and lives in it: one piece of memory, shared by the pool and the future.
template <class Result>
struct Outcome : Job {
  std::optional<Result> value;
  std::exception_ptr error;
  std::atomic<int> ready = 0;  // set last: who sees it may read the others
};

template <class Work>
struct Task final : Outcome<std::invoke_result_t<Work&>> {
  explicit Task(Work todo) : work(std::move(todo)) {}
  void run() override {
    try {
      this->value = work();
    } catch (...) {
      this->error = std::current_exception();
    }
    this->ready = 1;
    this->ready.notify_all();
  }
  Work work;
};

template <class Result>
struct Future {
  Result get() {  // waits; only once
    outcome->ready.wait(0);
    if (outcome->error) std::rethrow_exception(outcome->error);
    return std::move(*outcome->value);
  }
  std::shared_ptr<Outcome<Result>> outcome;
};

class Pool {
 public:
  explicit Pool(int threads) {
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
  Future<std::invoke_result_t<Work&>> submit(Work work) {
    auto task = std::make_shared<Task<Work>>(std::move(work));
    {
      const std::scoped_lock lock(mutex_);
      if (stopped_) throw std::logic_error("the pool takes no more jobs");
      jobs_.push_back(task);
    }
    changed_.notify_one();  // one job needs one worker
    return {std::move(task)};
  }

  void stop() {  // takes no more jobs, finishes those it has
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  std::shared_ptr<Job> next(const pdc::Lane& lane) {  // null: stopped, and nothing is left
    const auto wait = lane.wait("a job");
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return stopped_ || !jobs_.empty(); });
    if (jobs_.empty()) return nullptr;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;
  bool stopped_ = false;
  std::vector<std::jthread> workers_;  // last: joined before the others are gone
};

std::int64_t cube(int n) {
  return std::int64_t{n} * n * n;
}

/// Submits the jobs 1 to `jobs`, then takes what their futures bring, in that order.
template <class Submit>
auto collect(int jobs, Submit submit) {
  std::vector<decltype(submit(1))> futures;
  for (int n = 1; n <= jobs; ++n) futures.push_back(submit(n));
  std::vector<decltype(futures[0].get())> results;
  for (auto& future : futures) results.push_back(future.get());
  return results;
}

/// How many threads do the jobs; the first ones are kept busy until `first` of them have begun.
template <class Submit>
std::size_t count_threads(int jobs, int first, Submit submit) {
  std::latch begun(first);
  const auto ids = collect(jobs, [&](int n) {
    return submit(n, [&, n] {
      if (n <= first) begun.arrive_and_wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(4 + 3 * (n % 4)));  // plays the job
      return std::this_thread::get_id();
    });
  });
  return std::set(ids.begin(), ids.end()).size();
}

/// Wrong on purpose: a new thread for each job, and all at once.
std::size_t start_thread_per_job(int jobs) {
  return count_threads(jobs, jobs, [](int n, auto job) {
    return std::async(std::launch::async, [job, lane = pdc::Lane("thread {}", n)] {
      const auto work = lane.work("job");
      return job();
    });
  });
}

std::size_t submit_to_pool(int jobs, int threads) {
  Pool pool(threads);
  return count_threads(jobs, std::min(jobs, threads),
                       [&](int, auto job) { return pool.submit(job); });
}

/// Whether it throws an E.
template <class E, class Work>
bool throws(Work work) {
  try {
    work();
  } catch (const E&) {
    return true;
  }
  return false;
}

struct End {
  int done = 0;
  bool refused = false, rethrown = false;
};

End stop_early(int jobs) {
  End end;
  std::latch gate(1);
  Future<int> failed;
  {
    Pool pool(1);
    failed = pool.submit([&] { return gate.wait(), throw std::domain_error("no result"), 0; });
    for (int n = 0; n < jobs; ++n) pool.submit([&] { return ++end.done; });
    pool.stop();  // forced: the only worker waits at the gate, all jobs are in the queue
    end.refused = throws<std::logic_error>([&] { pool.submit([] { return 0; }); });
    gate.count_down();
  }  // ~Pool
  end.rethrown = throws<std::domain_error>([&] { failed.get(); });
  return end;
}

/// Cubes computed in four ways: reports what a job costs, returns all that came, way by way.
std::vector<std::int64_t> compute_cubes(pdc::Program& program, int jobs, int threads) {
  const auto wide = static_cast<std::size_t>(threads);
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, wide);
  tbb::task_arena arena(threads);
  boost::asio::thread_pool asio(wide);
  Pool pool(threads);
  std::vector<std::int64_t> cubes[4];
  const std::vector<pdc::Variant> ways = {
      {"this pool", threads,
       [&] {
         cubes[0] = collect(jobs, [&](int n) { return pool.submit([n] { return cube(n); }); });
       }},
      {"std::async", threads,
       [&] {
         cubes[1] = collect(jobs, [](int n) { return std::async(std::launch::async, cube, n); });
       }},
      {"asio::thread_pool", threads,
       [&] {
         cubes[2] = collect(jobs, [&](int n) {
           return boost::asio::post(asio,
                                    std::packaged_task<std::int64_t()>([n] { return cube(n); }));
         });
       }},
      {"tbb::task_group", threads, [&] {
         cubes[3].resize(static_cast<std::size_t>(jobs));
         arena.execute([&] {
           tbb::task_group group;  // no futures: each task writes into its own place
           for (int n = 0; n < jobs; ++n)
             group.run([n, to = &cubes[3][0]] { to[n] = cube(n + 1); });
           group.wait();
         });
       }}};
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(ways, 5);
  std::vector<std::int64_t> all;
  for (std::size_t way = 0; way < ways.size(); ++way) {
    pdc::say("{:<18} {:>8} a job", ways[way].name, pdc::time_text(timings[way].median / jobs));
    program.report(ways[way].name + ", a job", timings[way].median / jobs, "s");
    all.insert(all.end(), cubes[way].begin(), cubes[way].end());
  }
  return all;
}

/// How many cubes are in their place: the first n of them add up to (1 + 2 + ... + n) squared.
int count_in_place(const std::vector<std::int64_t>& cubes, int jobs) {
  int right = 0;
  std::int64_t sum = 0, root = 0, n = 0;
  for (const std::int64_t next : cubes) {
    if (n == jobs) n = sum = root = 0;  // the next way begins
    sum += next, root += ++n;
    if (sum == root * root) ++right;
  }
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"threads", 3, "threads in the pool", {1, 64}}, {"jobs", 12, "jobs to do", {2, 64}}});
  const int threads = program.integer("threads"), jobs = program.integer("jobs");
  const auto all = static_cast<std::size_t>(jobs);
  const auto few = static_cast<std::size_t>(std::min(jobs, threads));

  const auto without = program.scene("a thread for each job", start_thread_per_job, jobs);
  const auto with = program.scene("a pool", submit_to_pool, jobs, threads);
  const End end = program.scene("a pool that is stopped early", stop_early, jobs);
  constexpr int many = 500;
  const int right = count_in_place(compute_cubes(program, many, threads), many);

  pdc::check(without == all, "without a pool, each job had a thread of its own", "{} for {} jobs",
             without, jobs);
  pdc::check(with == few, "with it, its threads did all jobs", "{} for {} jobs", with, jobs);
  pdc::check(end.refused && end.done == jobs,
             "once stopped it took no more, and did all that it had", "{} of {}", end.done, jobs);
  pdc::check(end.rethrown, "a job's exception came out of its future");
  pdc::check(right == 4 * many, "all four ways gave the cubes in order", "{} of {}", right,
             4 * many);
  return program.finish();
}
