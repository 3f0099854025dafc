// SPDX-License-Identifier: MIT
/// What a span costs, beside what it cannot do without: reading the clock.

#include <benchmark/benchmark.h>

#include <chrono>

#include "pdc/timeline.hpp"
#include "picture/arena.hpp"

namespace {

constexpr int capacity = 1 << 16;  // what a program has

void clock_now(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(std::chrono::steady_clock::now());
}
BENCHMARK(clock_now);

void label_with_number(benchmark::State& state) {
  int number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(pdc::detail::label("runner {}", ++number));
}
BENCHMARK(label_with_number);

/// Begun, with a number in its label, and ended. A full arena is made empty outside the timing; its
/// pages have been touched before, as those of a long run have.
void span_recorded(benchmark::State& state) {
  pdc::detail::make_arena(capacity);
  pdc::detail::Arena& arena = *pdc::detail::arena;
  const pdc::Lane lane("runner");
  int number = 0;
  for (auto _ : state) {
    if (arena.records == capacity) {
      state.PauseTiming();
      arena.records = 0;
      state.ResumeTiming();
    }
    benchmark::DoNotOptimize(lane.work("leg {}", ++number));
  }
  state.counters["dropped"] = arena.dropped.load();
  pdc::detail::drop_arena();
}
BENCHMARK(span_recorded);

/// The first round through the memory of a program: each new page costs a fault.
void span_recorded_in_fresh_memory(benchmark::State& state) {
  pdc::detail::make_arena(capacity);
  const pdc::Lane lane("runner");
  int number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(lane.work("leg {}", ++number));
  state.counters["dropped"] = pdc::detail::arena.load()->dropped.load();
  pdc::detail::drop_arena();
}
BENCHMARK(span_recorded_in_fresh_memory)->Iterations(capacity);

void span_without_arena(benchmark::State& state) {
  const pdc::Lane lane("runner");
  int number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(lane.work("leg {}", ++number));
}
BENCHMARK(span_without_arena);

void span_while_paused(benchmark::State& state) {
  pdc::detail::make_arena(capacity);
  const pdc::Lane lane("runner");
  const pdc::detail::Paused paused;
  int number = 0;
  for (auto _ : state) benchmark::DoNotOptimize(lane.work("leg {}", ++number));
  pdc::detail::drop_arena();
}
BENCHMARK(span_while_paused);

}  // namespace

BENCHMARK_MAIN();
