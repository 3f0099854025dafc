// Channel: a producer hands items to consumers, and waits while there is no room.
//
// Concept   A channel is a queue between tasks with a fixed number of places. Who receives from an
//           empty one waits, who sends to a full one waits too: the slow end sets the pace of the
//           fast one (back-pressure). Without it the queue grows as long as there is memory.
// Shows     asio::experimental::channel, try_send, async_send, async_receive, close, co_spawn
// Python    asyncio.Queue(maxsize)
// Run       channel --items 12 --capacity 3
// You see   all 12 items in a plain queue at once, in the channel never more than 3
// Next      condition is the same for threads; strand shares data without handing it over

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <algorithm>
#include <chrono>
#include <deque>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Channel = asio::experimental::channel<void(error_code, int)>;
constexpr int consumers = 2;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

struct Day {
  Day(int n, int places) : items(n), channel(loop, static_cast<std::size_t>(places)) {}
  const int items;
  asio::io_context loop;
  Channel channel;
  std::deque<int> queue;
  int stored = 0, longest = 0;  // items that were sent, and that nobody has asked for yet
  int waits = 0;                // how often the producer found no room
  int ended = 0;                // consumers that learned of the end
  int taken = 0;                // 0, 1, 2, ...; -1 for good once one was out of order
};

using Role = asio::awaitable<void>(Day&, pdc::Lane);

asio::awaitable<void> use(Day& day, const pdc::Lane& lane, int item) {
  { const auto receive = lane.receive("{}", item); }
  day.taken = item == day.taken ? item + 1 : -1;
  const auto wait = lane.wait("stores {}", item);
  asio::steady_timer disk(day.loop, std::chrono::milliseconds(4));
  co_await disk.async_wait(asio::use_awaitable);  // plays a slow disk
}

/// Wrong on purpose: nothing makes the producer wait, so it puts in all before others have a turn.
asio::awaitable<void> fill_queue(Day& day, pdc::Lane lane) {
  for (int item = 0; item < day.items; ++item) {
    const auto send = lane.send("{}", item);
    day.queue.push_back(item);
    day.longest = std::max(day.longest, static_cast<int>(day.queue.size()));
  }
  co_return;
}

asio::awaitable<void> empty_queue(Day& day, pdc::Lane lane) {
  while (!day.queue.empty()) {
    const int item = day.queue.front();
    day.queue.pop_front();
    co_await use(day, lane, item);
  }
}

asio::awaitable<void> send_all(Day& day, pdc::Lane lane) {
  for (int item = 0; item < day.items; ++item) {
    if (!day.channel.try_send(error_code(), item)) {  // no room
      ++day.waits;
      const auto wait = lane.wait("room for {}", item);
      co_await day.channel.async_send(error_code(), item, asio::use_awaitable);
    }
    const auto send = lane.send("{}", item);
    day.longest = std::max(day.longest, ++day.stored);
  }
  co_await day.channel.async_send(asio::error::eof, 0, asio::use_awaitable);  // behind the items
}

asio::awaitable<void> receive_all(Day& day, pdc::Lane lane) {
  for (;;) {
    --day.stored;  // one is handed over, now or later
    const auto [error, item] = co_await day.channel.async_receive(with_error);
    if (error) break;  // the end, or closed
    co_await use(day, lane, item);
  }
  day.channel.close();  // whoever waits learns of it; items still inside would be lost
  ++day.ended;
}

void spend(Day& day, Role* produce, Role* consume) {
  asio::co_spawn(day.loop, produce(day, pdc::Lane(pdc::task, "producer")), pdc::rethrow);
  for (int i = 0; i < consumers; ++i) {
    asio::co_spawn(day.loop, consume(day, pdc::Lane(pdc::task, "consumer {}", i)), pdc::rethrow);
  }
  day.loop.run();  // all of them on this thread, in turns
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

  pdc::check(without.longest == items, "the plain queue held all items", "{}", without.longest);
  pdc::check(with.longest == capacity, "the channel was full, never more", "{}", with.longest);
  pdc::check(with.waits > 0, "the producer waited when it was full", "{} times", with.waits);
  pdc::check(with.taken == items, "every item was taken once, in order", "{}", with.taken);
  pdc::check(with.ended == consumers, "all consumers learned of the end", "{}", with.ended);
  return program.finish();
}
