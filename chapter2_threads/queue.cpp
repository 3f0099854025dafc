// Queue: items pass from thread to thread with no lock of your own, and someone closes it.
//
// Concept   A bounded queue lets producers wait while it is full and consumers while it is empty.
//           What it cannot know is that nothing more will come. So close it in order: the producers
//           end first, then an end mark for each consumer goes in behind the last item.
// Shows     tbb::concurrent_bounded_queue, tbb::user_abort, std::atomic
// Python    queue.Queue
// Run       queue --producers 2 --consumers 3
// You see   with nobody to close it all consumers wait for ever; closed, each item comes just once
// Next      pipeline has its queues built in; message_queue passes items between processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <tbb/concurrent_queue.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

constexpr int end_mark = -1;
constexpr int capacity = 4;

/// A bounded queue that counts how often each item was taken.
struct Queue {
  explicit Queue(int items) : times_taken(items) { inside.set_capacity(capacity); }

  void put(int item, const pdc::Lane& lane) {
    const auto send = lane.send("item {}", item);
    inside.push(item);  // waits while there is no room
  }

  bool take(const pdc::Lane& lane) {  // false: that was an end mark
    int item = end_mark;
    auto wait = lane.wait("an item");
    inside.pop(item);  // waits while there is nothing
    wait.end();
    if (item == end_mark) return false;
    lane.receive("item {}", item).end();
    const auto work = lane.work("uses {}", item);
    ++times_taken[item];
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the using
    return true;
  }

  tbb::concurrent_bounded_queue<int> inside;
  std::vector<std::atomic<int>> times_taken;
  std::atomic<int> stuck = 0;  // consumers that would have waited for ever
};

using Threads = std::vector<std::jthread>;

Threads start_producers(Queue& queue, int producers, int items) {
  Threads threads;
  for (int i = 0; i < producers; ++i) {
    threads.emplace_back([&queue, i, producers, items, lane = pdc::Lane("producer {}", i)] {
      for (int item = i; item < items; item += producers) queue.put(item, lane);
    });
  }
  return threads;
}

Threads start_consumers(Queue& queue, int consumers) {
  Threads threads;
  for (int i = 0; i < consumers; ++i) {
    threads.emplace_back([&queue, lane = pdc::Lane("consumer {}", i)] {
      try {
        while (queue.take(lane)) continue;
      } catch (const tbb::user_abort&) {  // what abort() throws in all that wait
        ++queue.stuck;
      }
    });
  }
  return threads;
}

/// Wrong on purpose: nobody says that it is over. Returns how many consumers would wait for ever.
int leave_open(int producers, int consumers, int items) {
  Queue queue(items);
  Threads producing = start_producers(queue, producers, items);
  Threads consuming = start_consumers(queue, consumers);
  producing.clear();                                                    // joins
  while (queue.inside.size() != -consumers) std::this_thread::yield();  // below 0: that many wait
  pdc::mark("all wait");
  std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays "for ever"
  queue.inside.abort();
  consuming.clear();
  return queue.stuck;
}

struct Seen {
  int once, left;  // items taken once, items left in the queue
  bool was_bounded;
};

Seen close_in_order(int producers, int consumers, int items) {
  Queue queue(items);
  Threads producing = start_producers(queue, producers, items);
  while (queue.inside.size() < capacity) std::this_thread::yield();
  const bool was_bounded = !queue.inside.try_push(end_mark);  // forced: it is full, nobody takes
  Threads consuming = start_consumers(queue, consumers);
  producing.clear();  // joins: the last item is in
  pdc::mark("closing");
  for (int i = 0; i < consumers; ++i) queue.inside.push(end_mark);  // one for each
  consuming.clear();
  const auto once = std::count(queue.times_taken.begin(), queue.times_taken.end(), 1);
  return {static_cast<int>(once), static_cast<int>(queue.inside.size()), was_bounded};
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
  const Seen closed = program.scene("closed in order", close_in_order, producers, consumers, items);

  pdc::check(stuck == consumers, "left open, all consumers waited for what nobody will bring",
             "{} of {}", stuck, consumers);
  pdc::check(closed.once == items && closed.left == 0,
             "closed in order, every item was taken once and none is left", "{} of {}", closed.once,
             items);
  pdc::check(closed.was_bounded, "while it was full, nothing more got in");
  return program.finish();
}
