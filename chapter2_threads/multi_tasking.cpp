// Multi tasking: two different problems, given to one pool as two tasks.
//
// Concept   A task says what is to be done and leaves open by which thread. A pool of one thread
//           does one task after the other, a pool of two does both at once. The tasks are the same
//           for both, and so are their results, which come by a future each.
// Shows     boost::asio::thread_pool, boost::asio::post, std::packaged_task
// Python    concurrent.futures.ThreadPoolExecutor
// Run       multi_tasking --numbers 1000000
// You see   a sum and a vector addition, first one after the other, then both at the same time
// Next      thread_pool looks into the pool; fibonacci has tasks that start tasks

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio/packaged_task.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <future>
#include <numeric>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Numbers = std::vector<std::int64_t>;

std::int64_t add_up(const Numbers& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
}

/// Into memory that is there already: to get fresh one would take longer than to add.
std::int64_t add_vectors(const Numbers& a, const Numbers& b, Numbers& result) {
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = a[i] + b[i];
  return static_cast<std::int64_t>(result.size());
}

struct Vectors {
  explicit Vectors(int n) : rising(static_cast<std::size_t>(n)), falling(rising), result(rising) {
    std::iota(rising.begin(), rising.end(), 1);
    std::iota(falling.rbegin(), falling.rend(), 1);
  }
  Numbers rising, falling, result;
};

struct Results {
  std::int64_t sum, added;
  int at_once;
};

/// The same two tasks, whatever the number of threads.
Results run_tasks(Vectors& vectors, int threads) {
  pdc::Gauge under_way;
  pdc::Meeting begun(threads);
  const auto play = [&] {
    begun.meet();  // forced: nobody goes on before as many tasks have begun as can be under way
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays more work
  };
  const pdc::Lane sum_lane("task sum"), add_lane("task vectors");
  std::packaged_task<std::int64_t()> sum([&] {
    const auto work = sum_lane.work("sum");
    const auto counted = under_way.visit();
    play();
    return add_up(vectors.rising);
  });
  std::packaged_task<std::int64_t()> add([&] {
    const auto work = add_lane.work("vector addition");
    const auto counted = under_way.visit();
    play();
    return add_vectors(vectors.rising, vectors.falling, vectors.result);
  });
  boost::asio::thread_pool pool(static_cast<std::size_t>(threads));  // ends before what it uses
  auto total = boost::asio::post(pool, std::move(sum));  // returns the task's std::future
  auto added = boost::asio::post(pool, std::move(add));
  const std::int64_t total_sum = total.get(), total_added = added.get();
  pool.join();  // when the futures are ready the tasks may still have to leave
  return {total_sum, total_added, under_way.most()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"numbers", 1'000'000, "numbers in each vector", {1, 10'000'000}}});
  const int n = program.integer("numbers");
  Vectors vectors(n);

  const Results one = program.scene("a pool of one thread", run_tasks, vectors, 1);
  const auto right_by_one = std::count(vectors.result.begin(), vectors.result.end(), n + 1);
  vectors.result.assign(vectors.result.size(), 0);
  const Results two = program.scene("a pool of two threads", run_tasks, vectors, 2);
  const auto right_by_two = std::count(vectors.result.begin(), vectors.result.end(), n + 1);

  const std::int64_t sum = std::int64_t{n} * (n + 1) / 2;
  pdc::check(one.sum == sum && two.sum == sum, "both pools find the sum n (n + 1) / 2", "{} and {}",
             one.sum, two.sum);
  pdc::check(right_by_one == n && right_by_two == n,
             "both pools add rising and falling numbers to n + 1 everywhere", "{} and {} of {}",
             right_by_one, right_by_two, n);
  pdc::check(one.added == n && two.added == n, "the result of each task comes by its future",
             "{} and {} numbers added", one.added, two.added);
  pdc::check(one.at_once == 1, "a pool of one thread does one task after the other", "{} of 2",
             one.at_once);
  pdc::check(two.at_once == 2, "a pool of two threads does both at once", "{} of 2", two.at_once);
  return program.finish();
}
