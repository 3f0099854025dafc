// Queue: items pass from thread to thread with no lock of your own, and someone closes it.
//
// Concept   A bounded queue lets producers wait while it is full and consumers while it is empty.
//           What it cannot know is that nothing more will come. So close it in order: the producers
//           end first, then an end mark for each consumer goes in behind the last item.
// Shows     tbb::concurrent_bounded_queue, tbb::user_abort, std::condition_variable, std::swap
// Python    queue.Queue
// Run       queue --producers 2 --consumers 3
// You see   with nobody to close it all consumers wait for ever; closed, each item comes just once
// Next      pipeline has its queues built in; message_queue passes items between processes

#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <oneapi/tbb/concurrent_queue.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int end_mark = -1;
constexpr int capacity = 4;

/// A bounded queue that knows how often each item was taken, and how full it has been.
class Queue {
 public:
  explicit Queue(int items) : times_taken(static_cast<std::size_t>(items)) {
    queue.set_capacity(capacity);
  }

  void put(int item, const pdc::Lane& lane) {
    const auto send = lane.send("item {}", item);
    queue.push(item);  // waits while there is no room
    const int now = ++inside_;
    for (int seen = highest; now > seen && !highest.compare_exchange_weak(seen, now);) continue;
    highest.notify_all();
  }

  bool take(const pdc::Lane& lane) {  // false: that was an end mark
    int item = end_mark;
    --inside_;
    auto wait = lane.wait("an item");
    queue.pop(item);  // waits while there is nothing
    wait.end();
    if (item == end_mark) return false;
    lane.receive("item {}", item).end();
    const auto work = lane.work("uses {}", item);
    ++times_taken[static_cast<std::size_t>(item)];
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the using
    return true;
  }

  tbb::concurrent_bounded_queue<int> queue;
  std::vector<std::atomic<int>> times_taken;
  std::atomic<int> highest = 0;

 private:
  std::atomic<int> inside_ = 0;
};

std::vector<std::jthread> start_producers(Queue& queue, int producers, int items) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < producers; ++i) {
    threads.emplace_back([&queue, i, producers, items, lane = pdc::Lane("producer {}", i)] {
      for (int item = i; item < items; item += producers) queue.put(item, lane);
    });
  }
  return threads;
}

/// Wrong on purpose: nobody says that it is over. Returns how many consumers would wait for ever.
int leave_open(int producers, int consumers, int items) {
  Queue queue(items);
  std::atomic<int> stuck = 0;
  std::vector<std::jthread> producing = start_producers(queue, producers, items);
  std::vector<std::jthread> consuming;
  for (int i = 0; i < consumers; ++i) {
    consuming.emplace_back([&, lane = pdc::Lane("consumer {}", i)] {
      try {
        while (queue.take(lane)) continue;
      } catch (const tbb::user_abort&) {  // what abort() throws in all that wait
        ++stuck;
      }
    });
  }
  producing.clear();                                                   // joins
  while (queue.queue.size() != -consumers) std::this_thread::yield();  // below 0: that many wait
  pdc::mark("all wait");
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays "for ever"
  queue.queue.abort();
  consuming.clear();
  return stuck;
}

struct Result {
  int once, left, highest;
  bool full;
};

Result close_in_order(int producers, int consumers, int items) {
  Queue queue(items);
  std::vector<std::jthread> producing = start_producers(queue, producers, items);
  for (int seen; (seen = queue.highest) < capacity;) queue.highest.wait(seen);
  const bool full = !queue.queue.try_push(end_mark);  // forced: no consumer has begun
  std::vector<std::jthread> consuming;
  for (int i = 0; i < consumers; ++i) {
    consuming.emplace_back([&queue, lane = pdc::Lane("consumer {}", i)] {
      while (queue.take(lane)) continue;
    });
  }
  producing.clear();  // joins: the last item is in
  pdc::mark("closing");
  for (int i = 0; i < consumers; ++i) queue.queue.push(end_mark);  // one for each
  consuming.clear();
  const auto once = std::count(queue.times_taken.begin(), queue.times_taken.end(), 1);
  return {static_cast<int>(once), static_cast<int>(queue.queue.size()), queue.highest, full};
}

/// The numbers below `items` through a queue, one at a time. Both return the sum of what came out.
std::int64_t hand_over_single(int items) {
  tbb::concurrent_bounded_queue<int> queue;
  const std::jthread producer([&] {
    for (int item = 0; item < items; ++item) queue.push(item);
    queue.push(end_mark);
  });
  std::int64_t sum = 0;
  for (int item = 0; queue.pop(item), item != end_mark;) sum += item;
  return sum;
}

/// A consumer that has to lock anyhow takes all there is: one lock and one waking for many items.
std::int64_t hand_over_all_at_once(int items) {
  std::mutex mutex;
  std::condition_variable filled;
  std::vector<int> queue, taken;
  const std::jthread producer([&] {
    for (int item = 0; item <= items; ++item) {
      const std::scoped_lock lock(mutex);
      queue.push_back(item < items ? item : end_mark);
      if (queue.size() == 1) filled.notify_one();  // else it has been woken already
    }
  });
  for (std::int64_t sum = 0;; taken.clear()) {
    {
      std::unique_lock lock(mutex);
      filled.wait(lock, [&] { return !queue.empty(); });
      std::swap(queue, taken);
    }
    for (const int item : taken) {
      if (item == end_mark) return sum;
      sum += item;
    }
  }
}

/// Reports both rates; returns how many of the two sums are that of 0, 1, ..., many - 1.
int compare(pdc::Program& program) {
  constexpr std::int64_t many = 20'000;
  std::int64_t single = 0, at_once = 0;
  const auto timings =
      pdc::time_in_turns({{"one at a time", 2, [&] { single = hand_over_single(many); }},
                          {"all at once", 2, [&] { at_once = hand_over_all_at_once(many); }}});
  const double rates[] = {many / timings[0].median, many / timings[1].median};
  pdc::say("\n{:.1f} million items/s one at a time, {:.1f} all at once", rates[0] / 1e6,
           rates[1] / 1e6);
  program.report("one at a time", rates[0], "items/s");
  program.report("all at once", rates[1], "items/s");
  return (single == many * (many - 1) / 2) + (at_once == many * (many - 1) / 2);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"producers", 2, "threads that put items in", {1, 64}},
                        {"consumers", 3, "threads that take items", {1, 64}},
                        {"items", 12, "items in all", {capacity, 1000}}});
  const int producers = program.integer("producers");
  const int consumers = program.integer("consumers");
  const int items = program.integer("items");

  const int stuck = program.scene("left open", leave_open, producers, consumers, items);
  const Result closed =
      program.scene("closed in order", close_in_order, producers, consumers, items);
  const int right = compare(program);

  pdc::check(stuck == consumers, "left open, all consumers waited for what nobody will bring",
             "{} of {}", stuck, consumers);
  pdc::check(closed.once == items && closed.left == 0,
             "closed in order, every item was taken once and none is left", "{} of {}", closed.once,
             items);
  pdc::check(closed.full && closed.highest == capacity,
             "the queue was full, and never held more than it may", "{} of {}", closed.highest,
             capacity);
  pdc::check(right == 2, "one at a time or all at once, the items that came add up", "{} of 2",
             right);
  return program.finish();
}
