// Condition: a bounded buffer whose threads sleep until there is something to do.
//
// Concept   A condition variable lets a thread give up the lock and sleep until another says that
//           something changed. To be woken is a hint, not a promise: another thread may have come
//           first. So wait with a predicate, which looks at the condition again after every waking.
// Shows     std::condition_variable, std::mutex, std::unique_lock, std::latch
// Python    threading.Condition
// Run       condition --consumers 3 --items 12
// You see   consumers that wait with `if` find nothing; with a predicate every item comes, in order
// Next      queue hands items over with no lock of your own; event is a flag that many wait for

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t capacity = 2;

class Buffer {
 public:
  void put(int item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return items_.size() < capacity; });
    items_.push_back(item);
    if (items_.size() > fullest) fullest = items_.size();
    lock.unlock();  // who is woken finds the door open
    changed_.notify_all();
  }

  bool take() {  // false: closed, and nothing is left
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || !items_.empty(); });
    if (items_.empty()) return false;
    if (items_.front() == in_order) ++in_order;
    items_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return true;
  }

  void close() {  // nothing more will come
    const std::scoped_lock lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  /// Wrong on purpose: `if` looks before the sleep and trusts that after it.
  bool take_with_if(std::latch& asleep) {
    std::unique_lock lock(mutex_);
    asleep.count_down();
    if (items_.empty()) changed_.wait(lock);
    if (items_.empty()) return false;  // caught: pop_front() would be undefined behaviour
    items_.pop_front();
    ++in_order;
    return true;
  }

  std::size_t fullest = 0;
  int in_order = 0;  // items 0, 1, 2, ... that were taken when it was their turn

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<int> items_;
  bool closed_ = false;
};

/// One item comes, all consumers wake. Returns how many of them get it.
int wait_with_if(int consumers) {
  Buffer buffer;
  std::latch asleep(consumers);
  std::vector<std::jthread> consuming;
  for (int i = 0; i < consumers; ++i) {
    consuming.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      auto wait = lane.wait("an item");
      wait.rename("{}", buffer.take_with_if(asleep) ? "takes it" : "finds nothing");
    });
  }
  asleep.wait();  // forced: the item comes when all of them sleep
  buffer.put(0);
  consuming.clear();  // joins
  return buffer.in_order;
}

void wait_with_predicate(Buffer& buffer, int consumers, int items) {
  const pdc::Lane producer("producer");
  std::vector<std::jthread> consuming;
  for (int i = 0; i < consumers; ++i) {
    consuming.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      const auto wait = lane.wait("an item");
      while (buffer.take()) {
        const auto work = lane.work("uses it");
        std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays the using
      }
    });
  }
  const auto wait = producer.wait("room");
  for (int item = 0; item < items; ++item) buffer.put(item);
  buffer.close();
  consuming.clear();  // joins
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"consumers", 3, "threads that take items", {2, 64}},
                        {"items", 12, "items that are put in", {1, 1000}}});
  const int consumers = program.integer("consumers");
  const int items = program.integer("items");
  Buffer buffer;

  const int got_it = program.scene("waiting with if", wait_with_if, consumers);
  program.scene("waiting with a predicate", wait_with_predicate, buffer, consumers, items);

  pdc::check(got_it <= 1, "with if, all woke and found the buffer empty, but for one", "{} of {}",
             consumers - got_it, consumers);
  pdc::check(buffer.in_order == items, "with a predicate, every item was taken once, in order",
             "{} of {}", buffer.in_order, items);
  pdc::check(buffer.fullest <= capacity, "the buffer never held more than it may", "{} of {}",
             buffer.fullest, capacity);
  return program.finish();
}
