// Thread pool executor: jobs are submitted all at once, and results come in order.
//
// Concept   A pool of threads takes jobs, and gives a future for the result of each. Submit all
//           jobs, then ask: they run side by side, and the results come in the order of the futures,
//           whichever job is done first. Ask for each result before the next job is submitted, and
//           of all the threads one works at a time.
// Shows     boost::asio::thread_pool, boost::asio::post, boost::asio::use_future, std::future
// Python    concurrent.futures.ThreadPoolExecutor
// Run       thread_pool_executor --jobs 6 --threads 3
// You see   a staircase of jobs when asked one by one; jobs side by side, and results in order, when
//           asked at the end
// Next      heavy_computation keeps an event loop alive meanwhile; async_futures joins both

// SPDX-License-Identifier: MIT
#include "pdc/print.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using Number = std::int64_t;

/// What both ways are judged by, and the attack on both: no job ends before the caller asks for a
/// result. Then as many are at work as there are jobs and threads for, and job 1 ends last of all.
class Stage {
 public:
  explicit Stage(int threads) : threads_(threads) {}

  auto job(int n) {
    ++submitted_;
    return [this, n] { return cube(n); };
  }
  pdc::Span ask(const pdc::Lane& caller, int n) {
    asked_ = submitted_;
    asked_.notify_all();
    return caller.wait("result {}", n);
  }
  pdc::Gauge at_work;
  std::atomic<int> before_first = 0;  // jobs that were done before job 1

 private:
  Number cube(int n) {
    const auto work = pdc::Lane(pdc::task, "job {}", n).work("cube of {}", n);
    const auto visit = at_work.visit();
    ++begun_;
    begun_.notify_all();
    await(asked_, 1);
    await(begun_, std::min<int>(asked_, threads_));
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays a longer computation
    if (n == 1) {
      await(done_, asked_ - 1);
      before_first = done_.load();
    }
    ++done_;
    done_.notify_all();
    return Number{n} * n * n;
  }
  static void await(const std::atomic<int>& count, int enough) {
    int seen = count;
    while (seen < enough) {
      count.wait(seen);
      seen = count;
    }
  }

  const int threads_;
  int submitted_ = 0;
  std::atomic<int> asked_ = 0, begun_ = 0, done_ = 0;
};

std::vector<Number> ask_at_the_end(asio::thread_pool& pool, int jobs, Stage& stage) {
  const pdc::Lane lane("main");
  std::vector<std::future<Number>> later;
  for (int n = 1; n <= jobs; ++n) {
    later.push_back(asio::post(pool, asio::use_future(stage.job(n))));
  }
  std::vector<Number> results;
  for (std::future<Number>& future : later) {
    const auto wait = stage.ask(lane, static_cast<int>(results.size()) + 1);
    results.push_back(future.get());
  }
  return results;
}

/// Wrong on purpose: get() waits, and meanwhile there is nothing else that the pool could do.
std::vector<Number> ask_one_by_one(asio::thread_pool& pool, int jobs, Stage& stage) {
  const pdc::Lane lane("main");
  std::vector<Number> results;
  for (int n = 1; n <= jobs; ++n) {
    std::future<Number> future = asio::post(pool, asio::use_future(stage.job(n)));
    const auto wait = stage.ask(lane, n);
    results.push_back(future.get());
  }
  return results;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"jobs", 6, "jobs", {2, 64}}, {"threads", 3, "threads", {2, 64}}});
  const int jobs = program.integer("jobs"), threads = program.integer("threads");
  Stage one(threads), all(threads);  // they outlive the pool, whose jobs use them
  asio::thread_pool pool(static_cast<std::size_t>(threads));

  program.scene("asked one by one", ask_one_by_one, pool, jobs, one);
  const auto results = program.scene("asked at the end", ask_at_the_end, pool, jobs, all);
  pool.join();  // none is left here; ~thread_pool alone would drop those that have not begun

  std::vector<Number> cubes;
  for (Number n = 1; n <= jobs; ++n) cubes.push_back(n * n * n);
  pdc::check(one.at_work.most() == 1, "asked one by one, one job is at work at a time", "{} of {}",
             one.at_work.most(), jobs);
  pdc::check(all.at_work.most() == std::min(jobs, threads),
             "asked at the end, as many jobs are at work at once as there are threads for them",
             "{} of {}", all.at_work.most(), jobs);
  pdc::check(results == cubes && all.before_first == jobs - 1,
             "the results come in the order of the futures, although job 1 is done last", "{}",
             pdc::join(results));
  return program.finish();
}
