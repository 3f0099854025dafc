// Async mutex: a task that holds data over a co_await needs a lock, on one thread as well.
//
// Concept   On one loop nobody interrupts a task, but while it waits, others have their turn. A
//           task that reads, awaits, and then writes wipes out what they wrote meanwhile. A channel
//           with one place is a mutex for tasks: it is full while one of them is inside, and the
//           others wait, but not the thread. With k places it is a semaphore: it lets in k.
// Shows     asio::experimental::channel, async_send, try_receive, std::unique_ptr as a guard
// Python    asyncio.Lock, asyncio.Semaphore
// Run       async_mutex --tasks 4 --places 2
// You see   without the mutex 1 of 4 updates counts, with it 4 of 4, even after one task has thrown
// Next      lost_update is the same between threads, process_lock between processes

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <stdexcept>
#include <vector>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
constexpr PlayedClock::duration disk_time(4);

/// Each place is for one task inside: with one place it is a mutex, with more a semaphore.
using Places = asio::experimental::channel<void(error_code)>;

struct Leave {
  void operator()(Places* places) const {
    places->try_receive([](error_code) {});  // lets in whoever has waited longest
  }
};
using Place = std::unique_ptr<Places, Leave>;

asio::awaitable<Place> enter(Places& places) {
  co_await places.async_send(error_code(), asio::use_awaitable);  // waits while it is full
  co_return Place(&places);  // given back at the end of its life, by an exception as well
}

struct Day {
  explicit Day(int count) : places(loop, static_cast<std::size_t>(count)) {}

  asio::io_context loop;
  Places places;
  int counter = 0;
  pdc::Gauge inside;
  std::vector<int> order;  // in which the tasks came in
  int ended = 0, failed = 0;
};

/// A section that holds over a co_await: all others have their turn between reading and writing.
asio::awaitable<void> add_one(Day& day, int task, pdc::Lane lane) {
  const auto visit = day.inside.visit();
  day.order.push_back(task);
  const int seen = day.counter;
  const auto hold = lane.hold("reads {}, {}", seen, task == 0 ? "throws" : "adds one");
  asio::basic_waitable_timer<PlayedClock> disk(day.loop, disk_time);
  co_await disk.async_wait(asio::use_awaitable);  // forced: all who can come in read meanwhile
  if (task == 0) throw std::runtime_error("the disk is broken");
  if (day.counter > seen) pdc::fault("update lost");  // that of another, which is written over
  day.counter = seen + 1;
}

/// Wrong on purpose: there is only one thread, so why lock?
asio::awaitable<void> add_without_lock(Day& day, int task, pdc::Lane lane) {
  co_await add_one(day, task, lane);
}

asio::awaitable<void> add_with_lock(Day& day, int task, pdc::Lane lane) {
  auto wait = lane.wait("a place");
  const Place place = co_await enter(day.places);
  wait.end();
  co_await add_one(day, task, lane);
}  // ~Place lets the next one in

using Add = decltype(add_with_lock);

/// All want to add one, but task 0 throws before it has.
void spend(Day& day, Add* add, int tasks) {
  for (int i = 0; i <= tasks; ++i) {
    asio::co_spawn(day.loop, add(day, i, pdc::Lane(pdc::task, "task {}", i)),
                   [&](std::exception_ptr error) {
                     if (error)
                       ++day.failed;
                     else
                       ++day.ended;
                   });
  }
  asio::basic_waitable_timer<PlayedClock> evening(day.loop, disk_time * (tasks + 2));
  evening.async_wait([&](error_code) { day.places.cancel(); });  // who still waits is sent home
  PlayedClock::run(day.loop);  // all of them on this thread, in turns
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"tasks", 4, "tasks that add one, besides one that fails", {3, 32}},
                        {"places", 2, "of the semaphore", {2, 4}}});
  const int tasks = program.integer("tasks"), places = program.integer("places");
  const int rounds = (tasks + places) / places;  // of all tasks and the one that fails, rounded up
  Day without(1), mutex(1), semaphore(places);

  program.scene("without a lock", spend, without, add_without_lock, tasks);
  program.scene("a mutex", spend, mutex, add_with_lock, tasks);
  program.scene("a semaphore", spend, semaphore, add_with_lock, tasks);

  pdc::check(without.inside.most() == tasks + 1,
             "without a lock, all are inside at once, although there is one thread", "{} of {}",
             without.inside.most(), tasks + 1);
  pdc::check(without.counter == 1, "without a lock, one update counts, the others are lost",
             "{} of {}", without.counter, tasks);
  pdc::check(mutex.inside.most() == 1, "with the mutex, one is inside at a time", "{}",
             mutex.inside.most());
  pdc::check(mutex.failed == 1 && mutex.ended == tasks,
             "a task that throws gives its place back: all others get in after it", "{} of {}",
             mutex.ended, tasks);
  pdc::check(mutex.counter == tasks, "with the mutex, every update counts", "{} of {}",
             mutex.counter, tasks);
  pdc::check(std::ranges::is_sorted(mutex.order), "they come in in the order in which they asked");
  pdc::check(semaphore.inside.most() == places && semaphore.ended == tasks,
             "with the semaphore, as many are inside as there are places, and never more", "{}",
             semaphore.inside.most());
  pdc::check(semaphore.counter == rounds,
             "a semaphore is no mutex: of those who are inside together, one update counts",
             "{} of {}", semaphore.counter, tasks);
  return program.finish();
}
