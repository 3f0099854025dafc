// Condition: threads sleep until there is something to do, and look again when they are woken.
//
// Concept   A condition variable lets a thread give up the lock and sleep until another says that
//           something has changed. Being woken is a hint, not a promise: another thread may have
//           come first. So wait with a predicate, which looks again after every waking.
// Shows     std::condition_variable, std::mutex, std::unique_lock, wait, notify_all
// Python    threading.Condition
// Run       condition --consumers 3 --items 4
// You see   each item wakes 3 consumers; with `if` 2 of them take from an empty buffer, with a
//           predicate they go back to sleep
// Next      queue hands items over with no lock of your own; event is a flag that many wait for

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

class Buffer {
 public:
  void put(int item) {
    {
      const std::scoped_lock lock(mutex_);
      items_.push_back(item);
    }  // unlocked first: who is woken finds the door open
    changed_.notify_all();
  }

  /// The next item, in the order in which they were put in; none when it is closed and empty.
  std::optional<int> take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_news(); });  // while (!has_news()) changed_.wait(lock);
    return pop();
  }

  /// Wrong on purpose: `if` looks before the sleep, and trusts after it.
  std::optional<int> take_with_if() {
    std::unique_lock lock(mutex_);
    if (!has_news()) changed_.wait(lock);
    return pop();
  }

  void close() {  // nothing more will come
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  bool is_closed() {
    const std::scoped_lock lock(mutex_);
    return closed_;
  }

  void wake_all() { changed_.notify_all(); }

  int looks() {  // of consumers, whether there is news
    const std::scoped_lock lock(mutex_);
    return looks_;
  }

  // The evidence, guarded by the mutex:
  std::vector<int> taken;
  int found_empty = 0;  // times that a consumer took from the empty buffer

 private:
  bool has_news() {
    ++looks_;
    return closed_ || !items_.empty();
  }

  std::optional<int> pop() {
    if (items_.empty()) {
      if (!closed_) {  // front() would be undefined behaviour here
        ++found_empty;
        pdc::fault("nothing to take");
      }
      return std::nullopt;
    }
    const int item = items_.front();
    items_.pop_front();
    taken.push_back(item);
    return item;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int> items_;
  bool closed_ = false;
  int looks_ = 0;
};

struct Seen {
  std::vector<int> taken;
  int found_empty, idle_looks, left_asleep;
};

/// Each item is put in when all consumers sleep, and wakes them all. Both versions go through this.
Seen consume(std::optional<int> (Buffer::*take)(), int consumers, int items) {
  Buffer buffer;
  pdc::Meeting everyone(consumers + 1);
  pdc::Gauge consuming;
  const pdc::Lane producer("producer");
  int idle_looks = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < consumers; ++i) {
    threads.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      const auto visit = consuming.visit();
      for (int misses = 0; misses <= items;) {  // one an item is what waking in vain can come to
        auto wait = everyone.wait_outside(lane, "an item");
        const std::optional<int> item = (buffer.*take)();
        wait.end();
        if (item) {
          const auto work = lane.work("uses item {}", *item);
          std::this_thread::sleep_for(2ms);  // plays the using
        } else {
          if (buffer.is_closed()) return;
          ++misses;
        }
      }
    });
  }
  for (int item = 0; item < items; ++item) {
    everyone.meet();  // forced: all consumers sleep, and the item will wake them all
    const int looks_before = buffer.looks();
    auto work = producer.work("makes item {}", item);
    for (int part = 0; part < 5; ++part) std::this_thread::sleep_for(1ms);  // plays the making
    work.end();
    idle_looks += buffer.looks() - looks_before;
    buffer.put(item);
  }
  everyone.meet();
  buffer.close();
  everyone.meet();  // until each consumer has ended or sleeps
  const int left_asleep = consuming.inside();
  buffer.wake_all();  // so that the program ends all the same
  threads.clear();    // joins
  return {buffer.taken, buffer.found_empty, idle_looks, left_asleep};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"consumers", 3, "threads that take items", {2, 64}},
                        {"items", 4, "items that are put in", {1, 1000}}});
  const int consumers = program.integer("consumers");
  const int items = program.integer("items");

  const Seen with_if =
      program.scene("waiting with if", consume, &Buffer::take_with_if, consumers, items);
  const Seen right =
      program.scene("waiting with a predicate", consume, &Buffer::take, consumers, items);

  const int losers = (consumers - 1) * items;
  pdc::check(with_if.found_empty == losers,
             "with if, every consumer that was woken but came too late took from an empty buffer",
             "{} of {} times", with_if.found_empty, losers);
  pdc::check(right.found_empty == 0, "with a predicate, none took from an empty buffer",
             "{} of {} times", right.found_empty, losers);
  std::vector<int> in_order(items);
  std::iota(in_order.begin(), in_order.end(), 0);
  pdc::check(right.taken == in_order, "every item was taken once, in the order it was put in",
             "{} of {}", right.taken.size(), items);
  pdc::check(right.idle_looks == 0, "while nothing happens, no consumer looks whether it has",
             "{} looks", right.idle_looks);
  pdc::check(right.left_asleep == 0, "the end wakes every consumer", "{} left asleep",
             right.left_asleep);
  return program.finish();
}
