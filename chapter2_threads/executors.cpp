// Executors: three ready-made ways to give jobs away, and to get results and exceptions back.
//
// Concept   Nobody has to write a pool. std::async runs each job on a thread of its own, oneTBB and
//           Asio run all jobs on a few. Results and exceptions come back by futures; with oneTBB
//           each job writes into a place of its own, and an exception comes out of the wait.
// Shows     std::async, tbb::task_group, boost::asio::thread_pool, boost::asio::use_future
// Python    concurrent.futures.Executor
// Run       executors --threads 2 --jobs 6
// You see   6 jobs at once, then 2 at a time; the same results and errors; what a job costs
// Next      pool_shutdown drops or does what still waits; strand keeps jobs of a pool apart

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <unistd.h>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using Results = std::vector<int>;
using Job = int (*)(int);

Results get_all(std::vector<std::future<int>>& futures) {
  Results results;
  for (std::future<int>& future : futures) results.push_back(future.get());  // or rethrows
  return results;
}

Results by_async(Job job, int jobs) {
  std::vector<std::future<int>> futures;
  for (int n = 0; n < jobs; ++n) futures.push_back(std::async(std::launch::async, job, n));
  return get_all(futures);
}

Results by_tbb(tbb::task_arena& arena, Job job, int jobs) {
  Results results(jobs);
  arena.execute([&] {
    tbb::task_group group;  // no futures: each job has a place of its own
    for (int n = 0; n < jobs; ++n) group.run([&results, job, n] { results[n] = job(n); });
    group.wait();  // does jobs meanwhile, and rethrows what the first one to fail has thrown
  });
  return results;
}

Results by_asio(asio::thread_pool& pool, Job job, int jobs) {
  std::vector<std::future<int>> futures;
  for (int n = 0; n < jobs; ++n)  // without use_future, what a job throws ends the program
    futures.push_back(asio::post(pool, asio::use_future([job, n] { return job(n); })));
  return get_all(futures);
}

int square(int n) {
  return n * n;
}

pid_t find_thread(int n) {
  const auto work = pdc::Lane("job {}", n).work("job");
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays a longer job
  return gettid();
}

struct Way {
  std::string name;
  std::function<Results(Job, int)> give;
};

/// What the asker learns of a job that throws.
std::string error_of(const Way& way) {
  try {
    way.give([](int) -> int { throw std::domain_error("no result"); }, 1);
  } catch (const std::domain_error& error) {
    return error.what();
  }
  return "nothing";
}

/// What a job costs that does next to nothing.
void say_costs(pdc::Program& program, const std::vector<Way>& ways, int threads) {
  constexpr int many = 500;
  std::vector<pdc::Variant> variants;
  for (const Way& way : ways)
    variants.push_back({way.name, threads, [&way] { way.give(square, many); }});
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants, 5);
  for (std::size_t i = 0; i < times.size(); ++i) {
    pdc::say("{:<10} {:>8} a job", ways[i].name, pdc::time_text(times[i].median / many));
    program.report(ways[i].name + ", a job", times[i].median / many, "s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 2, "of each pool", {1, 64}}, {"jobs", 6, "jobs", {2, 64}}});
  const int threads = program.integer("threads"), jobs = program.integer("jobs");
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(threads);  // the thread that waits is one of them
  asio::thread_pool pool(threads);
  const std::vector<Way> ways = {
      {"std::async", by_async},
      {"oneTBB", [&arena](Job job, int n) { return by_tbb(arena, job, n); }},
      {"Asio", [&pool](Job job, int n) { return by_asio(pool, job, n); }}};

  Results squares;
  for (int n = 0; n < jobs; ++n) squares.push_back(n * n);
  std::vector<int> used;  // threads, by each way
  int right = 0, told = 0;
  for (const Way& way : ways) {
    const Results ids = program.scene(way.name, way.give, find_thread, jobs);
    used.push_back(static_cast<int>(std::set(ids.begin(), ids.end()).size()));
    if (way.give(square, jobs) == squares) ++right;
    if (error_of(way) == "no result") ++told;
  }
  say_costs(program, ways, threads);

  pdc::check(used[0] == jobs && used[2] <= threads,
             "std::async runs each job on a thread of its own, Asio runs all on those of its pool",
             "{} and {} for {} jobs", used[0], used[2], jobs);
  pdc::check(right == 3, "results come back from std::async, oneTBB and Asio", "{} of 3", right);
  pdc::check(told == 3, "exceptions come back from std::async, oneTBB and Asio", "{} of 3", told);
  return program.finish();
}
