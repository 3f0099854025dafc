// SPDX-License-Identifier: MIT
/// What an item costs through a channel with few places: the page's producer and consumers, beside a bare loop.

#include "switch_bench.hpp"

#include <boost/asio.hpp>

namespace boost::asio {

/// In the place of the page's disk: it is never slow.
template <class Clock>
struct NoTimer {
  NoTimer(io_context& /*loop*/, auto /*time*/) {}
  static awaitable<void> async_wait(auto /*token*/) { co_return; }
};

}  // namespace boost::asio

#define main channel_main  // its page is a whole program
#define basic_waitable_timer NoTimer
#include "channel.cpp"
#undef basic_waitable_timer
#undef main

#include <memory>

namespace {

constexpr int items = 100'000;
constexpr int places = 3;

struct Page {
  Page() : day(items, places) {
    asio::co_spawn(day.loop, send_all(day, pdc::Lane(pdc::task, "producer")), asio::detached);
    for (int i = 0; i < consumers; ++i) {
      const pdc::Lane lane(pdc::task, "consumer {}", i);
      asio::co_spawn(day.loop, receive_all(day, lane), asio::detached);
    }
  }
  void run() { day.loop.run(); }

  Day day;
};

/// The same, without what the page records of it for its picture.
struct Bare {
  Bare() {
    asio::co_spawn(loop, send(), asio::detached);
    for (int i = 0; i < consumers; ++i) asio::co_spawn(loop, receive(), asio::detached);
  }
  asio::awaitable<void> send() {
    for (int item = 0; item < items; ++item) {
      if (!channel.try_send(error_code(), item))
        co_await channel.async_send(error_code(), item, asio::use_awaitable);
    }
    channel.close();
  }
  asio::awaitable<void> receive() {
    for (;;) {
      const auto [error, item] = co_await channel.async_receive(with_error);
      if (error) break;
      co_await use(item);
    }
  }
  asio::awaitable<void> use(int item) {
    taken = item == taken ? item + 1 : -1;
    asio::NoTimer<PlayedClock> disk(loop, 4);
    co_await disk.async_wait(asio::use_awaitable);
  }
  void run() { loop.run(); }

  asio::io_context loop;
  Channel channel{loop, places};
  int taken = 0;
};

template <class Subject>
void time_items(benchmark::State& state) {
  bench::time_switches(state, items, [] { return std::make_unique<Subject>(); });
}
BENCHMARK(time_items<Page>)->Name("page/channel")->UseRealTime();
BENCHMARK(time_items<Bare>)->Name("bare/channel")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
