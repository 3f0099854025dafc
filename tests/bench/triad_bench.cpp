/// How fast two threads use the memory: oneTBB and the parallel algorithms, beside bare loops. The
/// argument is the elements of a vector; bytes are those that the operation needs, read and written.

#include <benchmark/benchmark.h>
#include <oneapi/tbb/blocked_range.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/parallel_for.h>
#include <sys/mman.h>

#include <cstdlib>
#include <execution>
#include <functional>
#include <memory>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t workers = 2;
constexpr double a = 3;

void use_bytes(benchmark::State& state, int vectors) {
  state.SetBytesProcessed(state.iterations() * state.range(0) * vectors *
                          static_cast<std::int64_t>(sizeof(double)));
}

std::vector<double> make_vector(const benchmark::State& state) {
  return std::vector<double>(static_cast<std::size_t>(state.range(0)), 1.0);
}

void add_scaled(const double* x, double* y, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) y[i] += a * x[i];
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
  const std::vector<double> x = make_vector(state);
  std::vector<double> y = x;
  for (auto _ : state) {
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      add_scaled(x.data(), y.data(), first, last);
    });
  }
  use_bytes(state, 3);
}

void parallel_triad(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  const std::vector<double> x = make_vector(state);
  std::vector<double> y = x;
  const tbb::blocked_range<std::size_t> all(0, x.size(), x.size() / 16 + 1);
  for (auto _ : state) {
    tbb::parallel_for(all, [&](const auto& block) {
      add_scaled(x.data(), y.data(), block.begin(), block.end());
    });
  }
  use_bytes(state, 3);
}

void parallel_sum(benchmark::State& state) {
  const tbb::global_control allowed(tbb::global_control::max_allowed_parallelism, workers);
  const std::vector<double> x = make_vector(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::transform_reduce(std::execution::par_unseq, x.begin(), x.end(),
                                                   0.0, std::plus{}, std::identity{}));
  }
  use_bytes(state, 1);
}

/// What one gets without thinking: zeroed, page after page, by one thread, before it is written.
void sum_into_fresh_vector(benchmark::State& state) {
  const std::vector<double> x = make_vector(state), y = x;
  for (auto _ : state) {
    std::vector<double> z(x.size());
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      add(x.data(), y.data(), z.data(), first, last);
    });
    benchmark::DoNotOptimize(z.data());
  }
  use_bytes(state, 3);
}

/// Memory that nobody has touched, in huge pages: who writes first gets the page.
void sum_into_untouched_memory(benchmark::State& state) {
  constexpr std::size_t huge_page = 2 << 20;
  const std::vector<double> x = make_vector(state), y = x;
  const std::size_t bytes = (x.size() * sizeof(double) + huge_page - 1) / huge_page * huge_page;
  for (auto _ : state) {
    const std::unique_ptr<double, decltype(&std::free)> z(
        static_cast<double*>(std::aligned_alloc(huge_page, bytes)), &std::free);
    if (z == nullptr) return state.SkipWithError("no memory");
    madvise(z.get(), bytes, MADV_HUGEPAGE);  // advice: without them it is slower, not wrong
    in_two_parts(x.size(), [&](std::size_t first, std::size_t last) {
      add(x.data(), y.data(), z.get(), first, last);
    });
    benchmark::DoNotOptimize(z.get());
  }
  use_bytes(state, 3);
}

void use_sizes(benchmark::internal::Benchmark* each) {
  each->Arg(1 << 16)->Arg(1 << 26)->UseRealTime();  // in the caches, and 512 MiB
}
BENCHMARK(bare_triad)->Apply(use_sizes);
BENCHMARK(parallel_triad)->Apply(use_sizes);
BENCHMARK(parallel_sum)->Apply(use_sizes);
BENCHMARK(sum_into_fresh_vector)->Apply(use_sizes);
BENCHMARK(sum_into_untouched_memory)->Apply(use_sizes);

}  // namespace

BENCHMARK_MAIN();
