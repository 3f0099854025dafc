// Channel: a producer hands items to consumers, and waits while there is no room.
//
// Concept   A channel is a queue between tasks with a fixed number of places. Who receives from an
//           empty one waits, who sends to a full one waits too: the slow end sets the pace of the
//           fast one (back-pressure). Without it the queue grows as long as there is memory.
// Shows     asio::experimental::channel, try_send, async_send, async_receive, close, co_spawn
// Python    asyncio.Queue(maxsize)
// Run       channel --items 12 --capacity 3
// You see   all 12 items in a plain queue at once, in the channel never more than 3, and a producer
//           that is done after 0 ms and after 16
// Next      condition is the same for threads; strand shares data without handing it over

// SPDX-License-Identifier: MIT
#include "played_clock.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Channel = asio::experimental::channel<void(error_code, int)>;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
constexpr int consumers = 2;
constexpr PlayedClock::duration store_time(4);

struct Day {
  Day(int n, int places) : items(n), channel(loop, static_cast<std::size_t>(places)) {}
  const int items;
  asio::io_context loop;
  Channel channel;
  std::deque<int> queue;
  int stored = 0, longest = 0;          // items that were sent, and that nobody has asked for yet
  int waits = 0;                        // how often the producer found no room
  int ended = 0;                        // consumers that learned of the end
  int taken = 0;                        // 0, 1, 2, ...; -1 for good once one was out of order
  PlayedClock::time_point start, sent;  // the last item
};

using Role = asio::awaitable<void>(Day&, pdc::Lane);

asio::awaitable<void> use(Day& day, const pdc::Lane& lane, int item) {
  { const auto receive = lane.receive("{}", item); }
  day.taken = item == day.taken ? item + 1 : -1;
  const auto work = lane.work("stores {}", item);
  asio::basic_waitable_timer<PlayedClock> disk(day.loop, store_time);
  co_await disk.async_wait(asio::use_awaitable);  // plays a slow disk
}

asio::awaitable<void> send_all(Day& day, pdc::Lane lane) {
  for (int item = 0; item < day.items; ++item) {
    if (!day.channel.try_send(error_code(), item)) {  // no room
      ++day.waits;
      const auto wait = lane.wait("room for {}", item);
      co_await day.channel.async_send(error_code(), item, asio::use_awaitable);
    }
    const auto send = lane.send("{}", item);
    ++day.stored;
    day.longest = std::max(day.longest, day.stored);
  }
  day.sent = PlayedClock::now();
  co_await day.channel.async_send(asio::error::eof, 0, asio::use_awaitable);  // behind the items
}

asio::awaitable<void> receive_all(Day& day, pdc::Lane lane) {
  for (;;) {
    --day.stored;  // one is handed over, now or later
    auto wait = lane.wait("an item");
    const auto [error, item] = co_await day.channel.async_receive(with_error);
    wait.end();
    if (error) break;  // the end, or closed
    co_await use(day, lane, item);
  }
  day.channel.close();  // who waits for an item learns of it; items inside would be lost
  ++day.ended;
}

/// Wrong on purpose: nothing makes the producer wait, so it puts in all before others have a turn.
asio::awaitable<void> fill_queue(Day& day, pdc::Lane lane) {
  for (int item = 0; item < day.items; ++item) {
    const auto send = lane.send("{}", item);
    day.queue.push_back(item);
    day.longest = std::max(day.longest, static_cast<int>(day.queue.size()));
  }
  day.sent = PlayedClock::now();
  co_return;
}

asio::awaitable<void> empty_queue(Day& day, pdc::Lane lane) {
  while (!day.queue.empty()) {
    const int item = day.queue.front();
    day.queue.pop_front();
    co_await use(day, lane, item);
  }
}

void spend(Day& day, Role* produce, Role* consume) {
  day.start = PlayedClock::now();
  asio::co_spawn(day.loop, produce(day, pdc::Lane(pdc::task, "producer")), pdc::rethrow);
  for (int i = 0; i < consumers; ++i) {
    asio::co_spawn(day.loop, consume(day, pdc::Lane(pdc::task, "consumer {}", i)), pdc::rethrow);
  }
  PlayedClock::run(day.loop);  // all of them on this thread, in turns
}

/// After the first of each, the consumers ask for one item each as often as they have stored one.
/// The last item is sent when all but the places have been asked for.
PlayedClock::duration pace_of_consumers(int items, int capacity) {
  return store_time * ((items - capacity - 1) / consumers);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"items", 12, "items", {12, 200}}, {"capacity", 3, "places in the channel", {1, 10}}});
  const int items = program.integer("items");
  const int capacity = program.integer("capacity");
  Day without(items, capacity), with(items, capacity);

  program.scene("a plain queue", spend, without, fill_queue, empty_queue);
  program.scene("a channel", spend, with, send_all, receive_all);

  pdc::check(without.longest == items && without.sent == without.start,
             "a plain queue takes all items at once, and holds them", "{} items after {} ms",
             without.longest, (without.sent - without.start).count());
  pdc::check(with.longest == capacity, "a channel gets full, and never holds more than its places",
             "{}", with.longest);
  pdc::check(with.sent - with.start == pace_of_consumers(items, capacity),
             "a channel makes the producer go at the pace of the consumers",
             "the last item after {} ms", (with.sent - with.start).count());
  pdc::check(with.waits > 0 && with.waits <= items - capacity,
             "the producer sleeps until there is room, and does not ask again and again",
             "no room {} times", with.waits);
  pdc::check(with.taken == items, "every item comes out of the channel once, in order", "{}",
             with.taken);
  pdc::check(with.ended == consumers, "all consumers learn of the end", "{}", with.ended);
  return program.finish();
}
