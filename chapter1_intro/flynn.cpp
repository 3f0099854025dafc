// Flynn: one dot product as SISD, SIMD, MIMD threads and SPMD processes.
//
// Concept   Flynn's classes ask how many streams of instructions and of data there are. SISD: one
//           of each. SIMD: one instruction, several elements. MIMD: several workers, each with
//           instructions of its own. SPMD is how MIMD is mostly written: one program for all, each
//           asks who it is and takes its part.
// Shows     std::experimental::simd, std::jthread, pdc::Child, pdc::Shared
// Python    numpy.dot is SIMD; threading, multiprocessing
// Run       flynn --workers 2
// You see   one and the same integer four times, how many multiplications each way takes, and what
//           it gains
// Next      data_parallelism leaves all this to a library; scatter is SPMD with messages

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <experimental/simd>
#include <thread>
#include <vector>

namespace {

namespace stdx = std::experimental;

using Vector = std::vector<double>;  // of whole numbers, so every sum is exact
using Pack = stdx::native_simd<double>;

struct Part {
  std::size_t first, last;
};

/// Which part is mine, if I am number i of so many?
Part part_of(const Vector& x, int i, int workers) {
  return {x.size() * i / workers, x.size() * (i + 1) / workers};
}

struct Dot {
  std::int64_t sum;
  std::int64_t products;  // instructions that multiply
};

/// Single instruction, single data: one product at a time.
Dot dot_sisd(const Vector& x, const Vector& y, Part part) {
  double sum = 0;
  std::int64_t products = 0;
  for (std::size_t i = part.first; i < part.last; ++i) {
    sum += x[i] * y[i];
    ++products;
  }
  return {static_cast<std::int64_t>(sum), products};
}

/// Single instruction, multiple data: a pack of products at a time, and a sum for each place in it.
Dot dot_simd(const Vector& x, const Vector& y, Part part) {
  Pack sums = 0;
  std::int64_t products = 0;
  std::size_t i = part.first;
  for (; i + Pack::size() <= part.last; i += Pack::size()) {
    sums += Pack(&x[i], stdx::element_aligned) * Pack(&y[i], stdx::element_aligned);
    ++products;
  }
  const Dot rest = dot_sisd(x, y, {i, part.last});  // what does not fill a pack
  return {static_cast<std::int64_t>(stdx::reduce(sums)) + rest.sum, products + rest.products};
}

/// Multiple instruction, multiple data: here half of the workers even run another function.
Dot dot_mimd(const Vector& x, const Vector& y, int workers) {
  std::atomic<std::int64_t> sum = 0, products = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        const auto work = lane.work("{}", i % 2 == 0 ? "SIMD" : "SISD");
        const auto dot = i % 2 == 0 ? dot_simd : dot_sisd;
        const Dot mine = dot(x, y, part_of(x, i, workers));
        sum += mine.sum;
        products += mine.products;
      });
    }
  }  // ~jthread joins here
  return {sum, products};
}

/// Single program, multiple data: all run the same lines, and only the rank tells them apart.
Dot dot_spmd(const Vector& x, const Vector& y, int workers) {
  const pdc::Shared<std::atomic<std::int64_t>> sum, products;
  {
    std::vector<pdc::Child> processes;
    for (int rank = 0; rank < workers; ++rank) {
      processes.emplace_back([&, rank, lane = pdc::Lane("rank {}", rank)] {
        const auto work = lane.work("rank {} of {}", rank, workers);
        const Dot mine = dot_simd(x, y, part_of(x, rank, workers));
        *sum += mine.sum;
        *products += mine.products;
      });
    }
  }  // ~Child waits here
  return {*sum, *products};
}

/// For x = 1, 2, ..., 10, 1, 2, ... and y = 1, 2, 3, ...: ten elements at a time, and the rest.
std::int64_t closed_form(std::int64_t elements) {
  const std::int64_t tens = elements / 10;
  const std::int64_t rest = elements % 10;
  return 275 * tens * (tens - 1) + 385 * tens + 5 * tens * rest * (rest + 1) +
         rest * (rest + 1) * (2 * rest + 1) / 6;
}

/// Products of whole packs, and of what is left in each worker's part.
std::int64_t products_in_packs(const Vector& x, int i, int workers) {
  const auto [first, last] = part_of(x, i, workers);
  return static_cast<std::int64_t>((last - first) / Pack::size() + (last - first) % Pack::size());
}

std::array<Dot, 4> compute_all_ways(const Vector& x, const Vector& y, int workers) {
  const auto alone = [&](const char* name, auto dot) {
    const auto work = pdc::Lane("{}", name).work("all elements");
    return dot(x, y, {0, x.size()});
  };
  return {alone("SISD", dot_sisd), alone("SIMD", dot_simd), dot_mimd(x, y, workers),
          dot_spmd(x, y, workers)};
}

void say_times(pdc::Program& program, const Vector& x, const Vector& y, int workers) {
  const Part all{0, x.size()};
  std::atomic<std::int64_t> sink;  // what nobody uses, the compiler leaves out
  pdc::say_speedup(program,
                   {{"SISD", 1, [&] { sink = dot_sisd(x, y, all).sum; }},
                    {"SIMD", 1, [&] { sink = dot_simd(x, y, all).sum; }},
                    {"MIMD", workers, [&] { sink = dot_mimd(x, y, workers).sum; }},
                    {"SPMD", workers, [&] { sink = dot_spmd(x, y, workers).sum; }}},
                   5);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "threads, and as many processes", {1, 64}},
                        {"elements", 2'000'000, "elements of each vector", {1, 8'000'000}}});
  const int workers = program.integer("workers");
  const int elements = program.integer("elements");
  Vector x(static_cast<std::size_t>(elements)), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<double>(i % 10 + 1);
    y[i] = static_cast<double>(i + 1);
  }
  const auto [sisd, simd, mimd, spmd] =
      program.scene("one way after the other", compute_all_ways, x, y, workers);
  say_times(program, x, y, workers);

  const std::int64_t expected = closed_form(elements);
  pdc::check(sisd.sum == expected, "SISD gives the closed form", "{}", sisd.sum);
  pdc::check(simd.sum == expected, "SIMD gives the closed form", "{}", simd.sum);
  pdc::check(mimd.sum == expected, "MIMD gives the closed form", "{}", mimd.sum);
  pdc::check(spmd.sum == expected, "SPMD gives the closed form", "{}", spmd.sum);

  std::int64_t by_mimd = 0;
  std::int64_t by_spmd = 0;
  for (int i = 0; i < workers; ++i) {
    const auto [first, last] = part_of(x, i, workers);
    by_mimd +=
        i % 2 == 0 ? products_in_packs(x, i, workers) : static_cast<std::int64_t>(last - first);
    by_spmd += products_in_packs(x, i, workers);
  }
  pdc::check(sisd.products == elements, "SISD multiplies once for each element", "{} products",
             sisd.products);
  pdc::check(simd.products == products_in_packs(x, 0, 1), "SIMD multiplies once for each pack",
             "{} products, packs of {}", simd.products, Pack::size());
  pdc::check(mimd.products == by_mimd,
             "in MIMD, every second thread multiplies packs, the others elements", "{} products",
             mimd.products);
  pdc::check(spmd.products == by_spmd, "in SPMD, every process multiplies packs", "{} products",
             spmd.products);
  return program.finish();
}
