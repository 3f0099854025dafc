// Executors: ready-made pools do the same jobs, and differ in how they end.
//
// Concept   Nobody has to write a pool. std::async starts a thread for each job, oneTBB keeps a
//           queue for each worker, Asio one queue for all. Know two things of whichever you take:
//           how an exception comes back, and what becomes of jobs that still wait at the end.
// Shows     std::async, tbb::task_group, tbb::task_arena, boost::asio::thread_pool,
//           boost::asio::use_future
// Python    concurrent.futures.Executor
// Run       executors --threads 2 --jobs 6
// You see   a stopped pool loses 6 of 6 jobs, a joined one does them; what a job costs
// Next      multi_tasking gives two problems to a pool; strand keeps the jobs of a pool apart

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <iterator>
#include <latch>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Jobs that come while every worker is busy. Each has a lane, and waits until it is done or gone.
void post_jobs(boost::asio::thread_pool& pool, int jobs, std::atomic<int>& done) {
  for (int n = 0; n < jobs; ++n) {
    const pdc::Lane lane("job {}", n);
    boost::asio::post(pool, [&done, lane, wait = lane.wait("a worker")]() mutable {
      wait.end();
      const auto work = lane.work("job");
      std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the job
      ++done;
    });
  }
}

/// How many jobs are done when the pool ends while they wait.
int end_pool(int threads, int jobs, bool stops) {
  std::latch busy(threads), go(1);
  std::atomic<int> done = 0;
  boost::asio::thread_pool pool(threads);  // after what its jobs use: ~thread_pool stops and joins
  for (int i = 0; i < threads; ++i) {
    boost::asio::post(pool, [&, lane = pdc::Lane("early job {}", i)] {
      const auto work = lane.work("busy");
      busy.count_down();
      go.wait();
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the rest
    });
  }
  busy.wait();  // forced: nobody is free, so what comes now has to wait
  post_jobs(pool, jobs, done);
  pdc::mark(stops ? "stop" : "join");
  if (stops) pool.stop();  // wrong on purpose: drops what waits, without a word
  go.count_down();
  pool.join();
  return done;
}

using Numbers = std::vector<int>;
using Cubes = std::vector<std::int64_t>;

/// The cube of n; of a negative one there is none here.
std::int64_t cube(int n) {
  if (n < 0) throw std::domain_error("negative");
  return std::int64_t{n} * n * n;
}

Cubes get_all(std::vector<std::future<std::int64_t>>& futures) {
  Cubes cubes;
  for (auto& future : futures) cubes.push_back(future.get());
  return cubes;
}

Cubes by_async(const Numbers& numbers) {
  std::vector<std::future<std::int64_t>> futures;
  for (const int n : numbers) futures.push_back(std::async(std::launch::async, cube, n));
  return get_all(futures);
}

Cubes by_asio(boost::asio::thread_pool& pool, const Numbers& numbers) {
  std::vector<std::future<std::int64_t>> futures;
  for (const int n : numbers) {  // without use_future, what a job throws ends the program
    futures.push_back(post(pool, boost::asio::use_future([n] { return cube(n); })));
  }
  return get_all(futures);
}

Cubes by_tbb(tbb::task_arena& arena, const Numbers& numbers) {
  Cubes cubes(numbers.size());
  arena.execute([&] {
    tbb::task_group group;  // no futures: each task writes into its own place
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      group.run([&, i] { cubes[i] = cube(numbers[i]); });
    }
    group.wait();  // rethrows what a task has thrown
  });
  return cubes;
}

using Way = std::function<Cubes(const Numbers&)>;

/// Whether a negative number makes it throw what `cube` throws.
bool passes_error(const Way& way) {
  try {
    way({1, -2, 3});
  } catch (const std::domain_error&) {
    return true;
  }
  return false;
}

struct Results {
  int right = 0, errors = 0;
};

constexpr int many = 500;

/// The three ways on the same jobs: reports what a job costs in each, and looks at what comes.
Results compare(pdc::Program& program, int threads) {
  const auto wide = static_cast<std::size_t>(threads);
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, wide);
  tbb::task_arena arena(threads);
  boost::asio::thread_pool pool(wide);
  Numbers numbers(many);
  std::iota(numbers.begin(), numbers.end(), 1);
  Cubes serial;
  std::transform(numbers.begin(), numbers.end(), std::back_inserter(serial), cube);
  const Way ways[] = {by_async, [&](const Numbers& n) { return by_tbb(arena, n); },
                      [&](const Numbers& n) { return by_asio(pool, n); }};
  const std::vector<pdc::Variant> variants = {
      {"std::async", threads, [&] { ways[0](numbers); }},
      {"tbb::task_group", threads, [&] { ways[1](numbers); }},
      {"asio::thread_pool", threads, [&] { ways[2](numbers); }}};
  Results results;
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants, 5);
  pdc::say("");
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double job = times[i].median / many;
    pdc::say("{:<18} {:>8} a job", variants[i].name, pdc::time_text(job));
    program.report(variants[i].name + ", a job", job, "s");
  }
  for (const Way& way : ways) {
    if (way(numbers) == serial) ++results.right;
    if (passes_error(way)) ++results.errors;
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 2, "workers", {1, 64}}, {"jobs", 6, "jobs to do", {1, 64}}});
  const int threads = program.integer("threads"), jobs = program.integer("jobs");

  const int stopped = program.scene("a pool that is stopped", end_pool, threads, jobs, true);
  const int joined = program.scene("a pool that is joined", end_pool, threads, jobs, false);
  const Results results = compare(program, threads);

  pdc::check(stopped == 0, "a pool that is stopped drops every job that waits", "{} of {} done",
             stopped, jobs);
  pdc::check(joined == jobs, "a pool that is joined does every job that waits", "{} of {} done",
             joined, jobs);
  pdc::check(results.right == 3, "std::async, oneTBB and Asio all give the cubes in order",
             "{} of 3", results.right);
  pdc::check(results.errors == 3, "an exception comes back from std::async, oneTBB and Asio",
             "{} of 3", results.errors);
  return program.finish();
}
