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

struct Evidence {
  std::vector<int> taken;
  int found_empty = 0;  // times that a consumer took from the empty buffer
  int looks = 0;        // of consumers, whether there is news
  int idle_looks = 0;   // of these, while the producer was at work
  std::size_t left_lying = 0;
};

class Buffer {
 public:
  void put(int item) {
    {
      const std::scoped_lock lock(mutex_);
      seen_.left_lying += items_.size();
      items_.push_back(item);
    }  // unlocked first, so that a woken thread finds the mutex free
    changed_.notify_all();
  }

  void close() {  // nothing more will come
    {
      const std::scoped_lock lock(mutex_);
      seen_.left_lying += items_.size();
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

  Evidence seen() {
    const std::scoped_lock lock(mutex_);
    return seen_;
  }

 private:
  bool has_news() {
    ++seen_.looks;
    return closed_ || !items_.empty();
  }

  std::optional<int> pop() {
    if (items_.empty()) {
      if (!closed_) {  // front() would be undefined behaviour here
        ++seen_.found_empty;
        pdc::fault("nothing to take");
      }
      return std::nullopt;
    }
    const int item = items_.front();
    items_.pop_front();
    seen_.taken.push_back(item);
    return item;
  }

  std::mutex mutex_;  // guards what follows
  std::deque<int> items_;
  bool closed_ = false;
  Evidence seen_;
  std::condition_variable changed_;
};

/// Each item is put in when all consumers sleep, and wakes them all. Both versions go through this.
Evidence consume(std::optional<int> (Buffer::*take)(), int consumers, int items) {
  Buffer buffer;
  pdc::Meeting everyone(consumers + 1);
  const pdc::Lane producer("producer");
  std::vector<std::jthread> threads;
  for (int i = 0; i < consumers; ++i) {
    threads.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      for (int turn = 0; turn <= items; ++turn) {  // each item may wake it, and then the end
        auto wait = everyone.wait_outside(lane, "an item");
        const std::optional<int> item = (buffer.*take)();
        wait.end();
        if (!item) continue;
        const auto work = lane.work("uses item {}", *item);
        std::this_thread::sleep_for(2ms);  // plays the using
      }
    });
  }
  int idle_looks = 0;
  for (int item = 0; item < items; ++item) {
    everyone.meet();  // forced: all consumers sleep, and the item will wake them all
    const int looks_before = buffer.seen().looks;
    auto work = producer.work("makes item {}", item);
    std::this_thread::sleep_for(5ms);  // plays the making
    work.end();
    idle_looks += buffer.seen().looks - looks_before;
    buffer.put(item);
  }
  everyone.meet();
  buffer.close();
  threads.clear();  // joins
  Evidence seen = buffer.seen();
  seen.idle_looks = idle_looks;
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"consumers", 3, "threads that take items", {2, 64}},
                        {"items", 4, "items that are put in", {1, 1000}}});
  const int consumers = program.integer("consumers");
  const int items = program.integer("items");

  const Evidence with_if =
      program.scene("waiting with if", consume, &Buffer::take_with_if, consumers, items);
  const Evidence right =
      program.scene("waiting with a predicate", consume, &Buffer::take, consumers, items);

  const int losers = (consumers - 1) * items;
  pdc::check(with_if.found_empty == losers,
             "with if, every consumer that was woken but came too late took from an empty buffer",
             "{} of {} times", with_if.found_empty, losers);
  pdc::check(right.found_empty == 0, "with a predicate, none took from an empty buffer",
             "{} of {} times", right.found_empty, losers);
  std::vector<int> all(static_cast<std::size_t>(items));
  std::iota(all.begin(), all.end(), 0);
  pdc::check(right.taken == all, "every item was taken once", "{} of {}", right.taken.size(),
             items);
  pdc::check(right.left_lying == 0, "each item wakes a consumer that takes it",
             "{} left lying while all sleep", right.left_lying);
  pdc::check(right.idle_looks == 0, "while nothing happens, no consumer looks whether it has",
             "{} looks", right.idle_looks);
  return program.finish();
}
