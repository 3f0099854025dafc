// SPDX-License-Identifier: MIT
/// What a turn costs in an event loop: the page's tasks that post each other, beside a bare loop of asio::post.

#include "switch_bench.hpp"

#define main event_loop_main  // its page is a whole program
#include "event_loop.cpp"
#undef main

#include <memory>

namespace {

constexpr int turns = 100'000;

struct Page {
  Page() {
    day.turns_left = turns;
    day.order.reserve(turns);
    asio::post(day.loop, [this] { post_next(day, 0); });
  }
  void run() { day.loop.run(); }

  Day day;
};

/// The same turns, without what the page records of them for its picture.
struct Bare {
  Bare() {
    day.turns_left = turns;
    day.order.reserve(turns);
    asio::post(day.loop, [this] { post_on(0); });
  }
  void post_on(std::size_t number) {
    take_turn(day, day.tasks[number]);
    if (--day.turns_left == 0) return;
    asio::post(day.loop, [this, next = (number + 1) % day.tasks.size()] { post_on(next); });
  }
  void run() { day.loop.run(); }

  Day day;
};

template <class Subject>
void time_turns(benchmark::State& state) {
  bench::time_switches(state, turns, [] { return std::make_unique<Subject>(); });
}
BENCHMARK(time_turns<Page>)->Name("page/post")->UseRealTime();
BENCHMARK(time_turns<Bare>)->Name("bare/post")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
