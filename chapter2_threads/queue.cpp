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
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <oneapi/tbb/concurrent_queue.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr int end_mark = -1;
constexpr int capacity = 4;

/// A bounded queue that counts: how many items are in for good, how often each one was taken.
class Queue {
 public:
  explicit Queue(int items) : times_taken(static_cast<std::size_t>(items)) {
    inside.set_capacity(capacity);
  }

  void put(int item, const pdc::Lane& lane) {
    const auto send = lane.send("item {}", item);
    inside.push(item);  // waits while there is no room
    ++put_in;
    put_in.notify_all();
  }

  bool take(const pdc::Lane& lane) {  // false: that was an end mark
    int item = end_mark;
    auto wait = lane.wait("an item");
    inside.pop(item);  // waits while there is nothing
    wait.end();
    if (item == end_mark) return false;
    lane.receive("item {}", item).end();
    const auto work = lane.work("uses {}", item);
    ++times_taken[static_cast<std::size_t>(item)];
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the using
    return true;
  }

  tbb::concurrent_bounded_queue<int> inside;
  std::vector<std::atomic<int>> times_taken;
  std::atomic<int> put_in = 0;
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

struct Result {
  int once, left, held;
  bool refused;
};

Result close_in_order(int producers, int consumers, int items) {
  Queue queue(items);
  Threads producing = start_producers(queue, producers, items);
  int seen = queue.put_in;
  while (seen < capacity) {
    queue.put_in.wait(seen);
    seen = queue.put_in;
  }
  const bool refused = !queue.inside.try_push(end_mark);  // forced: it is full, nobody takes
  const int held = queue.put_in;
  Threads consuming = start_consumers(queue, consumers);
  producing.clear();  // joins: the last item is in
  pdc::mark("closing");
  for (int i = 0; i < consumers; ++i) queue.inside.push(end_mark);  // one for each
  consuming.clear();
  const auto once = std::count(queue.times_taken.begin(), queue.times_taken.end(), 1);
  return {static_cast<int>(once), static_cast<int>(queue.inside.size()), held, refused};
}

/// The numbers from 1 to `items` through a queue; returns the sum of what came out.
std::int64_t hand_over(int items) {
  tbb::concurrent_bounded_queue<int> queue;
  const std::jthread producer([&] {
    for (int item = 1; item <= items; ++item) queue.push(item);
    queue.push(end_mark);
  });
  std::int64_t sum = 0;
  int item = 0;
  queue.pop(item);
  while (item != end_mark) {
    sum += item;
    queue.pop(item);
  }
  return sum;
}

/// Reports what an item costs; returns whether what came was 1, 2, ..., many.
bool hand_over_many(pdc::Program& program) {
  constexpr std::int64_t many = 20'000;
  std::int64_t sum = 0;
  const pdc::Timing timing = pdc::time_in_turns({{"", 2, [&] { sum = hand_over(many); }}})[0];
  program.report("an item", timing.median / many, "s");
  pdc::say("\n{} items handed over: {} each", many, pdc::time_text(timing.median / many));
  return sum == many * (many + 1) / 2;
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
  const bool complete = hand_over_many(program);

  pdc::check(stuck == consumers, "left open, all consumers waited for what nobody will bring",
             "{} of {}", stuck, consumers);
  pdc::check(closed.once == items && closed.left == 0,
             "closed in order, every item was taken once and none is left", "{} of {}", closed.once,
             items);
  pdc::check(closed.refused && closed.held == capacity, "while it was full, nothing more got in",
             "{} of {}", closed.held, capacity);
  pdc::check(complete, "handed over at full speed, many items add up");
  return program.finish();
}
