// Thread pool executor: jobs are submitted all at once, and results come in order.
//
// Concept   An executor takes a job and gives a future for its result. Submit all jobs, then ask:
//           they run side by side, and results come in order, whichever job is done first. Ask for
//           each before the next is submitted, and of all the threads one works at a time.
// Shows     boost::asio::thread_pool, boost::asio::post, boost::asio::use_future, std::future
// Python    concurrent.futures.ThreadPoolExecutor
// Run       thread_pool_executor --jobs 6 --threads 3
// You see   a staircase when asked one by one; asked at the end, the first job done last, in order
// Next      heavy_computation keeps an event loop alive meanwhile; async_futures joins both

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <latch>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using Number = std::int64_t;
using Job = std::function<Number(int)>;
constexpr int pieces = 30, piece = 20'000;  // numbers that are looked at for primes

struct Cube {
  Number operator()(int n) {
    const auto work = pdc::Lane(pdc::task, "job {}", n).work("cube of {}", n);
    if (++begun - done > 1) ++met;
    if (n <= at_once) begin.arrive_and_wait();                  // forced: so many at once
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays a longer computation
    for (int seen; n == 1 && (seen = done) < before_first;) done.wait(seen);  // forced: 1 is slow
    if (const int place = ++done; n == 1) first_done = place;
    done.notify_one();
    return Number{n} * n * n;
  }
  const int at_once, before_first;
  std::latch begin{at_once};
  std::atomic<int> begun = 0, met = 0, done = 0, first_done = 0;
};

/// Wrong on purpose: get() waits, and meanwhile there is nothing else that the pool could do.
std::vector<Number> ask_one_by_one(asio::thread_pool& pool, int jobs, const Job& job) {
  const pdc::Lane lane("main");
  std::vector<Number> results;
  for (int n = 1; n <= jobs; ++n) {
    const auto wait = lane.wait("result {}", n);
    results.push_back(asio::post(pool, asio::use_future([=] { return job(n); })).get());
  }
  return results;
}

std::vector<Number> ask_at_the_end(asio::thread_pool& pool, int jobs, const Job& job) {
  const pdc::Lane lane("main");
  std::vector<std::future<Number>> later;
  for (int n = 1; n <= jobs; ++n)
    later.push_back(asio::post(pool, asio::use_future([=] { return job(n); })));
  std::vector<Number> results;
  for (std::future<Number>& one : later) {
    const auto wait = lane.wait("result {}", results.size() + 1);
    results.push_back(one.get());
  }
  return results;
}

Number factorial(int n) {
  return n > 20 ? throw std::overflow_error("too large") : n < 2 ? 1 : n * factorial(n - 1);
}

std::string last_factorial(int jobs) {
  try {
    asio::thread_pool pool(2);
    return fmt::format("{}", ask_at_the_end(pool, jobs, factorial).back());
  } catch (const std::overflow_error& error) {  // without use_future it would end the program
    return error.what();
  }
}

Number count_piece(int n) {
  return pdc::count_primes((n - 1) * piece, n * piece);
}

Number sum(const std::vector<Number>& results) {
  return std::reduce(results.begin(), results.end());
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"jobs", 6, "jobs", {2, 64}}, {"threads", 3, "threads", {2, 64}}});
  const int jobs = program.integer("jobs"), threads = program.integer("threads");
  Cube one{1, 0}, all{std::min(jobs, threads), jobs - 1};
  asio::thread_pool pool(static_cast<std::size_t>(threads));

  program.scene("asked one by one", ask_one_by_one, pool, jobs, std::ref(one));
  const auto cubes = program.scene("asked at the end", ask_at_the_end, pool, jobs, std::ref(all));
  const std::string of_20 = last_factorial(20), of_21 = last_factorial(21);
  const Number primes = sum(ask_at_the_end(pool, pieces, count_piece)), to = jobs * (jobs + 1) / 2;

  pdc::check(one.met == 0, "asked one by one, no two jobs met", "{} of {}", one.met.load(), jobs);
  pdc::check(all.met > 0, "asked at the end, jobs met", "{} of {}", all.met.load(), jobs);
  pdc::check(all.first_done == jobs, "the first job was done last", "{}", all.first_done.load());
  pdc::check(std::ranges::is_sorted(cubes) && sum(cubes) == to * to, "results came in order");
  pdc::check(of_20 == "2432902008176640000", "the factorial of 20 came", "{}", of_20);
  pdc::check(of_21 == "too large", "of 21, an exception came out of get()", "{}", of_21);
  pdc::check(primes == pdc::sieve_primes(pieces * piece), "the primes are all there", "{}", primes);
  return program.finish();
}
