// SPDX-License-Identifier: MIT
#pragma once

#include <benchmark/benchmark.h>
#include <time.h>

#include "allocations.hpp"

/// For benchmarks of the event loop: what a switch from one task to the next costs. Include it once, in the benchmark.
/// No lanes are kept, since there is no pdc::Program; and what only plays work takes no time here.

/// In the place of the C library's: std::this_thread::sleep_for ends at once.
extern "C" int nanosleep(const timespec* /*time*/, timespec* /*left*/) {
  return 0;
}

/// Asio's handlers and frames come from here.
extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept {
  bench::allocations.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

namespace bench {

/// A function with this name is what the driver counts instructions in (`callgrind --toggle-collect`).
template <class Run>
[[gnu::noinline]] void counted(Run& run) {
  run();
}

/// Times what `prepare` returns: a run of so many switches. One before them does not count.
template <class Prepare>
void time_switches(benchmark::State& state, int switches, Prepare prepare) {
  prepare()->run();
  std::int64_t within = 0;
  for (auto _ : state) {
    state.PauseTiming();
    const auto prepared = prepare();
    state.ResumeTiming();
    const std::int64_t before = allocations;
    auto run = [&] { prepared->run(); };
    counted(run);
    within += allocations - before;
  }
  const auto done = static_cast<double>(state.iterations()) * switches;
  state.SetItemsProcessed(state.iterations() * switches);
  state.counters["allocations_per_switch"] = static_cast<double>(within) / done;
  state.counters["switches"] = done;
}

}  // namespace bench
