// Flynn: one dot product as SISD, SIMD, MIMD threads and SPMD processes.
//
// Concept   Flynn's classes ask how many streams of instructions and of data there are. SISD: one
//           of each. SIMD: one instruction, several elements. MIMD: workers with instructions of
//           their own, mostly written as SPMD: one program, in which each asks who it is.
// Shows     std::experimental::simd, std::jthread, pdc::Child, pdc::Shared
// Python    numpy.dot is SIMD; threading, multiprocessing
// Run       flynn --workers 2
// You see   one and the same integer four times, and how many multiplications each way takes
// Next      data_parallelism leaves all this to a library; scatter is SPMD with messages

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <experimental/simd>
#include <span>
#include <thread>
#include <vector>

namespace {

namespace stdx = std::experimental;
using Vector = std::span<const double>;  // of whole numbers, so every sum is exact
using Pack = stdx::native_simd<double>;
constexpr int passes = 100;  // over elements so few that they stay in the cache

/// Which part is mine, if I am number i of so many?
Vector part_of(Vector x, int i, int workers) {
  const std::size_t first = x.size() * i / workers;
  return x.subspan(first, x.size() * (i + 1) / workers - first);
}

struct Dot {
  std::int64_t sum, products;  // products: multiplications, as they are written here
};

/// Single instruction, single data: one product at a time.
Dot dot_sisd(Vector x, Vector y) {
  double sum = 0;
  std::int64_t products = 0;
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t i = 0; i < x.size(); ++i) {
      sum += x[i] * y[i];
      ++products;
    }
  return {static_cast<std::int64_t>(sum), products};
}

/// Single instruction, multiple data: a pack of products at a time, and a sum for each place in it.
Dot dot_simd(Vector x, Vector y) {
  Pack sums = 0;
  std::int64_t products = 0;
  const std::size_t end = x.size() - x.size() % Pack::size();
  for (int pass = 0; pass < passes; ++pass)
    for (std::size_t i = 0; i < end; i += Pack::size()) {
      sums += Pack(&x[i], stdx::element_aligned) * Pack(&y[i], stdx::element_aligned);
      ++products;
    }
  const Dot rest = dot_sisd(x.subspan(end), y.subspan(end));  // what does not fill a pack
  return {static_cast<std::int64_t>(stdx::reduce(sums)) + rest.sum, products + rest.products};
}

/// Multiple instruction, multiple data: here half of the workers even run another function.
Dot dot_mimd(Vector x, Vector y, int workers) {
  std::atomic<std::int64_t> sum = 0, products = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        const auto work = lane.work("{}", i % 2 == 0 ? "SIMD" : "SISD");
        const auto dot = i % 2 == 0 ? dot_simd : dot_sisd;
        const Dot mine = dot(part_of(x, i, workers), part_of(y, i, workers));
        sum += mine.sum;
        products += mine.products;
      });
    }
  }  // ~jthread joins here
  return {sum, products};
}

/// Single program, multiple data: all run the same lines, and only the rank tells them apart.
Dot dot_spmd(Vector x, Vector y, int workers) {
  const pdc::Shared<std::atomic<std::int64_t>> sum, products;
  {
    std::vector<pdc::Child> processes;
    for (int rank = 0; rank < workers; ++rank) {
      processes.emplace_back([&, rank, lane = pdc::Lane("rank {}", rank)] {
        const auto work = lane.work("rank {} of {}", rank, workers);
        const Dot mine = dot_simd(part_of(x, rank, workers), part_of(y, rank, workers));
        *sum += mine.sum;
        *products += mine.products;
      });
    }
  }  // ~Child waits here
  return {*sum, *products};
}

std::array<Dot, 4> compute(Vector x, Vector y, int n) {
  const auto alone = [&](const char* name, auto dot) {
    const auto work = pdc::Lane("{}", name).work("all elements");
    return dot(x, y);
  };
  return {alone("SISD", dot_sisd), alone("SIMD", dot_simd), dot_mimd(x, y, n), dot_spmd(x, y, n)};
}

/// How many products there have to be, if the first worker and each `every`-th after it use packs.
std::int64_t count_products(Vector x, int workers, int every) {
  std::size_t products = 0;
  for (int i = 0; i < workers; ++i) {
    const std::size_t n = part_of(x, i, workers).size(), pack = i % every == 0 ? Pack::size() : 1;
    products += n / pack + n % pack;  // packs, and what does not fill one
  }
  return passes * static_cast<std::int64_t>(products);
}

void check_dot(const char* claim, const Dot& dot, std::int64_t sum, std::int64_t products) {
  pdc::check(dot.sum == sum && dot.products == products, claim, "{} by {} products", dot.sum,
             dot.products);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "threads, and as many processes", {1, 64}},
                        {"elements", 20'000, "elements of each vector", {1, 1'000'000}}});
  const int workers = program.integer("workers"), elements = program.integer("elements");
  std::vector<double> x(elements), y(elements);
  for (int i = 0; i < elements; ++i) {
    x[i] = i + 1;      // 1, 2, 3, 4, ...
    y[i] = i % 2 + 1;  // 1, 2, 1, 2, ...
  }
  const auto [sisd, simd, mimd, spmd] = program.scene("one way at a time", compute, x, y, workers);

  const std::int64_t n = elements, pairs = n / 2;  // the second of each counts twice
  const std::int64_t sum = passes * (n * (n + 1) / 2 + pairs * (pairs + 1));
  check_dot("SISD gives the closed form, and multiplies once a pass for each element", sisd, sum,
            passes * n);
  check_dot("SIMD gives the closed form, and multiplies once a pass for each pack", simd, sum,
            count_products(x, 1, 1));
  check_dot("MIMD gives the closed form, and every second thread multiplies packs", mimd, sum,
            count_products(x, workers, 2));
  check_dot("SPMD gives the closed form, and every process multiplies packs", spmd, sum,
            count_products(x, workers, 1));
  return program.finish();
}
