// Condition: threads sleep until there is something to do, and look again when they are woken.
//
// Concept   A condition variable lets a thread give up the lock and sleep until another says that
//           something has changed. Being woken is a hint, not a promise: another thread may have
//           come first. So wait with a predicate, which looks again after every waking.
// Shows     std::condition_variable, std::mutex, std::unique_lock, wait, notify_all
// Python    threading.Condition
// Run       condition --consumers 3
// You see   each of 4 items wakes 3 consumers; with `if` 2 of them take from an empty buffer, with a
//           predicate they go back to sleep
// Next      queue hands items over with no lock of your own; event is a flag that many wait for

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr int items = 4;

class Buffer {
 public:
  void put(int item) {
    {
      const std::scoped_lock lock(mutex_);
      items_.push_back(item);
    }  // unlocked first, so that a woken thread finds the mutex free
    changed_.notify_all();
  }

  void close() {  // nothing more will come
    {
      const std::scoped_lock lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  /// The next item; none when the buffer is closed and empty.
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

 private:
  bool has_news() const { return closed_ || !items_.empty(); }

  std::optional<int> pop() {
    if (items_.empty()) return std::nullopt;  // front() would be undefined behaviour here
    const int item = items_.front();
    items_.pop_front();
    return item;
  }

  std::mutex mutex_;  // guards what follows
  std::deque<int> items_;
  bool closed_ = false;
  std::condition_variable changed_;
};

struct Seen {
  int taken;        // items, before the end
  int found_empty;  // times that a consumer was woken and there was nothing to take
};

/// Each item is put in when all consumers sleep, and wakes them all. Both versions go through this.
Seen consume(std::optional<int> (Buffer::*take)(), int consumers) {
  Buffer buffer;
  pdc::Meeting everyone(consumers + 1);
  std::atomic<int> taken = 0, found_empty = 0;
  std::atomic<bool> is_over = false;
  const pdc::Lane producer("producer");
  std::vector<std::jthread> threads;
  for (int i = 0; i < consumers; ++i) {
    threads.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      for (int turn = 0; turn <= items; ++turn) {  // each item may wake it, and then the end
        auto wait = everyone.wait_outside(lane, "an item");
        const std::optional<int> item = (buffer.*take)();
        wait.end();
        if (item) {
          ++taken;
          const auto work = lane.work("uses item {}", *item);
          std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays the using
        } else if (!is_over) {
          ++found_empty;
          pdc::fault("nothing to take");
        }
      }
    });
  }
  for (int item = 0; item < items; ++item) {
    everyone.meet();  // forced: all consumers sleep, and the item will wake them all
    auto work = producer.work("makes item {}", item);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the making
    work.end();
    buffer.put(item);
  }
  everyone.meet();
  const Seen seen{taken, found_empty};
  is_over = true;
  buffer.close();
  threads.clear();  // joins
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"consumers", 3, "threads that take items", {2, 64}}});
  const int consumers = program.integer("consumers");

  const Seen with_if = program.scene("waiting with if", consume, &Buffer::take_with_if, consumers);
  const Seen right = program.scene("waiting with a predicate", consume, &Buffer::take, consumers);

  const int losers = (consumers - 1) * items;
  pdc::check(with_if.found_empty == losers,
             "with if, every consumer that was woken but came too late took from an empty buffer",
             "{} of {} times", with_if.found_empty, losers);
  pdc::check(right.found_empty == 0, "with a predicate, none took from an empty buffer",
             "{} of {} times", right.found_empty, losers);
  pdc::check(right.taken == items, "each item wakes a consumer that takes it", "{} of {}",
             right.taken, items);
  return program.finish();
}
