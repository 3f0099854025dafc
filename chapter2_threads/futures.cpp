// Futures: a result, or an exception, that will be there later.
//
// Concept   A future is the place where somebody waits for a result; get() gives it, or throws what
//           was thrown instead. The other end is a promise, a packaged task, or std::async, which
//           runs a function on a thread of its own, and whose future waits in its destructor.
// Shows     std::promise, std::packaged_task, std::async, std::future, std::future_error
// Python    concurrent.futures.Future
// Run       futures --threads 4
// You see   values, exceptions and a broken promise arrive; futures dropped at once run in a row
// Next      thread_pool hands out futures; async_futures joins them with an event loop

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <chrono>
#include <exception>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;

int square(int number, const pdc::Lane& lane) {
  const auto work = lane.work("square of {}", number);
  std::this_thread::sleep_for(5ms);  // plays a longer computation
  if (number < 0) throw std::invalid_argument("negative");
  return number * number;
}

std::future<int> by_promise(int number, const pdc::Lane& lane) {
  std::promise<int> promise;
  std::future<int> later = promise.get_future();
  const std::jthread keeper([&, mine = std::move(promise)]() mutable {
    try {
      mine.set_value(square(number, lane));
    } catch (...) {
      mine.set_exception(std::current_exception());
    }
  });
  return later;
}  // ~jthread joins here

std::future<int> by_task(int number, const pdc::Lane& lane) {
  std::packaged_task<int(int, pdc::Lane)> task(square);  // a function and its promise
  std::future<int> later = task.get_future();
  const std::jthread keeper(std::move(task), number, lane);
  return later;
}

std::future<int> by_async(int number, const pdc::Lane& lane) {  // and its thread as well
  return std::async(std::launch::async, square, number, lane);
}

/// Wrong on purpose: the promise ends, and nobody has kept it.
std::future<int> by_nobody(int number, const pdc::Lane& lane) {
  const auto work = lane.work("forgets {}", number);
  return std::promise<int>().get_future();
}

using Way = std::future<int> (*)(int, const pdc::Lane&);

/// What comes through, for 12 and for -1.
std::string outcomes(const char* name, Way promise) {
  const pdc::Lane lane("{}", name);
  std::string all;
  for (const int number : {12, -1}) {
    if (!all.empty()) all += ", ";
    try {
      all += fmt::format("{}", promise(number, lane).get());
    } catch (const std::invalid_argument& error) {
      all += error.what();
    } catch (const std::future_error& error) {
      all += error.code() == std::future_errc::broken_promise ? "broken promise" : error.what();
    }
  }
  return all;
}

std::vector<std::string> try_all_ways() {
  return {outcomes("promise", by_promise), outcomes("packaged task", by_task),
          outcomes("async", by_async), outcomes("nobody", by_nobody)};
}

/// Counts who is at work.
struct Office {
  explicit Office(int at_once) : together(at_once) {}

  void work(const pdc::Lane& lane) {
    const auto span = lane.work("at work");
    const auto counted = at_work.visit();
    together.meet();                   // forced: as many are at work at once as can be
    std::this_thread::sleep_for(8ms);  // plays the work
  }

  pdc::Meeting together;
  pdc::Gauge at_work;
};

/// Wrong on purpose: nobody keeps the future, and that of std::async waits when it ends.
int drop_futures(int threads) {
  Office office(1);
  for (int i = 0; i < threads; ++i) {
    const auto dropped =
        std::async(std::launch::async, &Office::work, &office, pdc::Lane("thread {}", i));
  }  // ~future waits here, before the next one starts
  return office.at_work.most();
}

int keep_futures(int threads) {
  Office office(threads);
  std::vector<std::future<void>> kept;
  for (int i = 0; i < threads; ++i) {
    kept.push_back(
        std::async(std::launch::async, &Office::work, &office, pdc::Lane("thread {}", i)));
  }
  for (std::future<void>& one : kept) one.get();
  return office.at_work.most();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads of std::async", {2, 64}}});
  const int threads = program.integer("threads");

  const auto came = program.scene("three ways, and a broken promise", try_all_ways);
  const int dropped = program.scene("futures dropped at once", drop_futures, threads);
  const int kept = program.scene("futures kept", keep_futures, threads);

  pdc::check(came[0] == "144, negative", "value and exception came by a promise", "{}", came[0]);
  pdc::check(came[1] == "144, negative", "so they did by a packaged task", "{}", came[1]);
  pdc::check(came[2] == "144, negative", "and by std::async", "{}", came[2]);
  pdc::check(came[3] == "broken promise, broken promise", "a broken promise is an exception", "{}",
             came[3]);
  pdc::check(dropped == 1, "dropped at once, they ran one by one", "{}", dropped);
  pdc::check(kept == threads, "kept, all were at work at once", "{}", kept);
  return program.finish();
}
