// Futures: a result, or an exception, that will be there later.
//
// Concept   A future is the place where a thread waits for a result; get() returns it, or throws
//           what was thrown instead. The other end is a promise, a packaged task, or std::async:
//           told std::launch::async, it runs a function on a thread of its own, and its future
//           waits in its destructor.
// Shows     std::promise, std::packaged_task, std::async, std::future, std::future_error
// Python    concurrent.futures.Future
// Run       futures
// You see   values and exceptions arrive at a thread that waits for them, and from a forgotten
//           promise an error; a future of std::async that is dropped at once is waited for
// Next      thread_pool hands out futures; async_futures joins them with an event loop

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <array>
#include <atomic>
#include <exception>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

/// Where one thread asks and another answers.
struct Desk {
  const pdc::Lane answers;
  const std::thread::id asker = std::this_thread::get_id();
  pdc::Meeting asker_waits{2};
  std::atomic<bool> is_asked = false;                      // the asker is about to call get()
  std::atomic<bool> is_made = false, was_awaited = false;  // the result, when it was made
};

int square(int number, Desk& desk) {
  const auto work = desk.answers.work("square of {}", number);
  if (std::this_thread::get_id() != desk.asker) {
    desk.asker_waits.meet();  // forced: there is no result before the asker waits for it
    if (desk.is_asked) desk.was_awaited = true;
  }
  desk.is_made = true;
  if (number < 0) throw std::invalid_argument("negative");
  return number * number;
}

/// What is promised, and the thread that keeps it.
struct Order {
  std::future<int> result;
  std::jthread thread;  // joined when the order ends
};

Order promise(int number, Desk& desk) {
  std::promise<int> promise;
  std::future<int> result = promise.get_future();
  std::jthread thread([number, &desk, mine = std::move(promise)]() mutable {
    try {
      mine.set_value(square(number, desk));
    } catch (...) {
      mine.set_exception(std::current_exception());
    }
  });
  return {std::move(result), std::move(thread)};
}

Order package(int number, Desk& desk) {
  std::packaged_task<int(int, Desk&)> task(square);  // a function and its promise
  std::future<int> result = task.get_future();
  return {std::move(result), std::jthread(std::move(task), number, std::ref(desk))};
}

Order launch(int number, Desk& desk) {  // a function, its promise, and its thread
  return {std::async(std::launch::async, square, number, std::ref(desk)), {}};
}

/// Wrong on purpose: the promise ends, and nothing was set.
Order forget(int /*number*/, Desk& /*desk*/) {
  return {std::promise<int>().get_future(), {}};
}

struct Outcome {
  std::string came;
  int waited;  // results that were made while the asker waited
};

/// Asks for the squares of 12 and -1.
Outcome ask(const pdc::Lane& lane, const char* way, Order (*give)(int, Desk&)) {
  const pdc::Lane answers("{}", way);
  Outcome outcome{"", 0};
  for (const int number : {12, -1}) {
    Desk desk{answers};
    const auto wait = desk.asker_waits.wait_outside(lane, "square of {}", number);
    if (!outcome.came.empty()) outcome.came += ", ";
    try {
      Order order = give(number, desk);
      desk.is_asked = true;
      outcome.came += fmt::format("{}", order.result.get());
    } catch (const std::invalid_argument& error) {
      outcome.came += error.what();
    } catch (const std::future_error& error) {
      if (error.code() == std::future_errc::broken_promise) outcome.came += "broken promise";
    }
    if (desk.was_awaited) ++outcome.waited;
  }
  return outcome;
}

std::array<Outcome, 4> ask_in_all_ways() {
  const pdc::Lane lane("asks");
  return {ask(lane, "promise", promise), ask(lane, "packaged task", package),
          ask(lane, "std::async", launch), ask(lane, "nobody", forget)};
}

/// Wrong on purpose: it looks as if this thread went on at once. Returns whether the result is there.
bool drop_future() {
  const pdc::Lane lane("asks");
  Desk desk{pdc::Lane("std::async")};
  const auto wait = desk.asker_waits.wait_outside(lane, "the future that is dropped");
  { const Order dropped = launch(12, desk); }  // ~future waits here
  return desk.is_made;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const auto [promised, packaged, launched, forgotten] =
      program.scene("three ways, and a broken promise", ask_in_all_ways);
  const bool is_made = program.scene("the future of std::async, dropped", drop_future);

  pdc::check(promised.came == "144, negative", "a value and an exception come by a promise", "{}",
             promised.came);
  pdc::check(packaged.came == "144, negative", "a value and an exception come by a packaged task",
             "{}", packaged.came);
  pdc::check(launched.came == "144, negative", "a value and an exception come by std::async", "{}",
             launched.came);
  const int waited = promised.waited + packaged.waited + launched.waited;
  pdc::check(waited == 6, "each value and exception was made by another thread, while get() waited",
             "{} of 6", waited);
  pdc::check(forgotten.came == "broken promise, broken promise",
             "a promise that is never kept arrives as an exception", "{}", forgotten.came);
  pdc::check(is_made,
             "a thread that drops a future of std::async goes on only after the work is done");
  return program.finish();
}
