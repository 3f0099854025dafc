// SPDX-License-Identifier: MIT
/// How fast two threads use the memory: the functions of `data_parallelism`, beside bare loops. The
/// argument is the elements of a vector; bytes are those that the operation needs, read and written.

#define main data_parallelism_main  // its page is a whole program
#include "data_parallelism.cpp"
#undef main

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <tbb/global_control.h>

#include <cstdlib>
#include <new>
#include <thread>
#include <type_traits>

namespace {

/// Memory in huge pages, if the system has them: fewer addresses to look up. And not cleared first:
/// whoever writes to a page gets it, so that many threads can do that at once.
template <class T>
struct HugePages {
  static_assert(std::is_trivially_copyable_v<T>, "its memory is not cleared, so nothing is begun");
  using value_type = T;
  HugePages() = default;
  template <class Other>
  explicit HugePages(const HugePages<Other>&) {}
  T* allocate(std::size_t n) {
    constexpr std::size_t page = 2 << 20;
    const std::size_t bytes = (n * sizeof(T) + page - 1) / page * page;
    void* const memory = std::aligned_alloc(page, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    madvise(memory, bytes, MADV_HUGEPAGE);  // advice: without them it is slower, not wrong
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, std::size_t) { std::free(memory); }
  void construct(T*) {}
  void construct(T* place, T value) { *place = value; }
  bool operator==(const HugePages&) const = default;
};

using Vector = std::vector<double, HugePages<double>>;

constexpr std::size_t workers = 2;

void use_bytes(benchmark::State& state, int vectors) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * vectors *
                          static_cast<std::int64_t>(sizeof(double)));
}

Vector make_vector(const benchmark::State& state) {
  return Vector(static_cast<std::size_t>(state.range(0)), 1.0);
}

void add(const double* x, const double* y, double* z, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) z[i] = x[i] + y[i];
}

template <class Work>
void in_two_parts(std::size_t size, Work work) {
  const std::jthread other([&] { work(0, size / 2); });
  work(size / 2, size);
}  // ~jthread joins here

void bare_triad(benchmark::State& state) {
  const Vector x = make_vector(state);
  Vector y = x;
  for (auto _ : state) {
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      double* const out = y.data();
      for (std::size_t i = first; i < last; ++i) out[i] += a * x[i];
    });
  }
  use_bytes(state, 3);
}

void parallel_triad(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  const Vector x = make_vector(state);
  Vector y = x;
  for (auto _ : state) add_scaled_parallel(x, y);
  use_bytes(state, 3);
}

/// As fast as two threads can read here.
void bare_sum(benchmark::State& state) {
  const Vector x = make_vector(state);
  for (auto _ : state) {
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      benchmark::DoNotOptimize(sum_four_by_four(std::span(x).subspan(first, last - first)));
    });
  }
  use_bytes(state, 1);
}

void parallel_sum(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  const Vector x = make_vector(state);
  for (auto _ : state) benchmark::DoNotOptimize(sum_blocks(x));
  use_bytes(state, 1);
}

/// What one gets without thinking: zeroed, page after page, by one thread, before it is written.
void sum_into_fresh_vector(benchmark::State& state) {
  const Vector x = make_vector(state), y = x;
  for (auto _ : state) {
    std::vector<double> z(x.size());
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      add(x.data(), y.data(), z.data(), first, last);
    });
    benchmark::DoNotOptimize(z.data());
  }
  use_bytes(state, 3);
}

/// Huge pages, and who writes first gets the page.
void sum_into_untouched_memory(benchmark::State& state) {
  const Vector x = make_vector(state), y = x;
  for (auto _ : state) {
    Vector z(x.size());
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      add(x.data(), y.data(), z.data(), first, last);
    });
    benchmark::DoNotOptimize(z.data());
  }
  use_bytes(state, 3);
}

void use_sizes(benchmark::internal::Benchmark* each) {
  each->Arg(1 << 16)->Arg(1 << 26)->UseRealTime();  // in the caches, and 512 MiB
}
BENCHMARK(bare_triad)->Apply(use_sizes);
BENCHMARK(parallel_triad)->Apply(use_sizes);
BENCHMARK(bare_sum)->Apply(use_sizes);
BENCHMARK(parallel_sum)->Apply(use_sizes);
BENCHMARK(sum_into_fresh_vector)->Apply(use_sizes);
BENCHMARK(sum_into_untouched_memory)->Apply(use_sizes);

}  // namespace

BENCHMARK_MAIN();
