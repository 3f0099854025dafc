// SPDX-License-Identifier: MIT
/// The sorts of the program `parallel_sort` on two threads, beside oneTBB's alone.

#define main parallel_sort_main  // its page is a whole program, and the sorts are inside
#include "parallel_sort.cpp"
#undef main

#include <benchmark/benchmark.h>

namespace {

constexpr int threads = 2;
constexpr std::size_t items = 1 << 20;

std::vector<Item> shuffled() {
  std::vector<Item> made(items);
  std::mt19937 random;
  for (Item& item : made) item.key = static_cast<std::uint32_t>(random());
  return made;
}

template <class Run>
void time_sort(benchmark::State& state, Run sort) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena arena(threads);
  const std::vector<Item> input = shuffled();
  std::vector<Item> output = input, room = input;
  for (auto _ : state) {
    state.PauseTiming();
    output = input;
    state.ResumeTiming();
    arena.execute([&] { sort(output, room); });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
}

void time_page(benchmark::State& state, Sort sort) {
  Watch watch;
  watch.lanes.assign(threads, pdc::Lane("thread"));
  time_sort(state, [&](Items output, Items room) { sort(output, room, watch); });
}
BENCHMARK_CAPTURE(time_page, merge_sort, merge_sort)->UseRealTime();
BENCHMARK_CAPTURE(time_page, parallel_sort, by_tbb)->UseRealTime();
BENCHMARK_CAPTURE(time_page, std_sort, by_policy)->UseRealTime();

void bare_parallel_sort(benchmark::State& state) {
  time_sort(state, [](Items output, Items) {
    tbb::parallel_sort(output.begin(), output.end(), is_before);
  });
}
BENCHMARK(bare_parallel_sort)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
