// SPDX-License-Identifier: MIT
/// What a turn costs that a coroutine gives back: the page's computations, beside a bare loop of co_await.

#include "switch_bench.hpp"

#define main coroutines_main  // its page is a whole program
#include "coroutines.cpp"
#undef main

#include <memory>

namespace {

constexpr int steps = 30'000;
constexpr int tasks = 3;

struct Page {
  Page() {
    order.reserve(tasks * steps);
    for (int i = 0; i < tasks; ++i) {
      const Task task{static_cast<char>('A' + i), pdc::Lane(pdc::task, "task {}", i), order};
      asio::co_spawn(loop, sum(steps, task, give_turn), asio::detached);
    }
  }
  void run() { loop.run(); }

  asio::io_context loop;
  std::string order;
};

/// The same, without what the page records of it for its picture.
struct Bare {
  Bare() {
    order.reserve(tasks * steps);
    for (int i = 0; i < tasks; ++i)
      asio::co_spawn(loop, add_up(static_cast<char>('A' + i)), asio::detached);
  }
  asio::awaitable<std::int64_t> add_up(char initial) {
    std::int64_t total = 0;
    for (int i = 1; i <= steps; ++i) co_await step(initial, total += i);
    co_return total;
  }
  asio::awaitable<void> step(char initial, std::int64_t result) {
    benchmark::DoNotOptimize(result);
    std::this_thread::sleep_for(std::chrono::milliseconds(4));  // plays the same computation
    order += initial;
    co_await asio::post(asio::use_awaitable);
  }
  void run() { loop.run(); }

  asio::io_context loop;
  std::string order;
};

template <class Subject>
void time_turns(benchmark::State& state) {
  bench::time_switches(state, tasks * steps, [] { return std::make_unique<Subject>(); });
}
BENCHMARK(time_turns<Page>)->Name("page/co_await")->UseRealTime();
BENCHMARK(time_turns<Bare>)->Name("bare/co_await")->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
