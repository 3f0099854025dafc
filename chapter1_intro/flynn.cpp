// Flynn: one dot product as SISD, SIMD, MIMD threads and SPMD processes.
//
// Concept   Flynn's classes ask how many streams of instructions and of data there are. SISD: one
//           of each. SIMD: one instruction, several elements. MIMD: several workers, each with
//           instructions of its own. SPMD is how MIMD is mostly written: one program for all, each
//           asks who it is and takes its part.
// Shows     std::experimental::simd, std::jthread, pdc::Child, pdc::Shared
// Python    numpy.dot is SIMD; threading, multiprocessing
// Run       flynn --workers 2
// You see   one and the same integer four times, and what each way gains
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

struct Part {
  std::size_t first, last;
};

/// Which part is mine, if I am number i of so many?
Part part_of(const Vector& x, int i, int workers) {
  const auto number = static_cast<std::size_t>(i), all = static_cast<std::size_t>(workers);
  return {x.size() * number / all, x.size() * (number + 1) / all};
}

/// Single instruction, single data: one product at a time.
std::int64_t dot_sisd(const Vector& x, const Vector& y, Part part) {
  double sum = 0;
  for (std::size_t i = part.first; i < part.last; ++i) sum += x[i] * y[i];
  return static_cast<std::int64_t>(sum);
}

/// Single instruction, multiple data: a pack of products at a time, and a sum for each place in it.
std::int64_t dot_simd(const Vector& x, const Vector& y, Part part) {
  using Pack = stdx::native_simd<double>;
  Pack sums = 0;
  std::size_t i = part.first;
  for (; i + Pack::size() <= part.last; i += Pack::size()) {
    sums += Pack(&x[i], stdx::element_aligned) * Pack(&y[i], stdx::element_aligned);
  }
  return static_cast<std::int64_t>(stdx::reduce(sums)) + dot_sisd(x, y, {i, part.last});
}

/// Multiple instruction, multiple data: here half of the workers even run another function.
std::int64_t dot_mimd(const Vector& x, const Vector& y, int workers) {
  std::atomic<std::int64_t> total = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < workers; ++i) {
      threads.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] {
        const auto work = lane.work("{}", i % 2 == 0 ? "SIMD" : "SISD");
        const auto dot = i % 2 == 0 ? dot_simd : dot_sisd;
        total += dot(x, y, part_of(x, i, workers));
      });
    }
  }  // ~jthread joins here
  return total;
}

/// Single program, multiple data: all run the same lines, and only the rank tells them apart.
std::int64_t dot_spmd(const Vector& x, const Vector& y, int workers) {
  const pdc::Shared<std::atomic<std::int64_t>> total;
  {
    std::vector<pdc::Child> processes;
    for (int rank = 0; rank < workers; ++rank) {
      processes.emplace_back([&, rank, lane = pdc::Lane("rank {}", rank)] {
        const auto work = lane.work("rank {} of {}", rank, workers);
        *total += dot_simd(x, y, part_of(x, rank, workers));
      });
    }
  }  // ~Child waits here
  return *total;
}

/// For x = 0, 1, ..., 9, 0, 1, ... and y = 0, 1, 2, ...: ten elements at a time, and the rest.
std::int64_t closed_form(std::int64_t elements) {
  const std::int64_t tens = elements / 10, rest = elements % 10;
  return 225 * tens * (tens - 1) + 285 * tens + 5 * tens * rest * (rest - 1) +
         (rest - 1) * rest * (2 * rest - 1) / 6;
}

std::array<std::int64_t, 4> compute_all_ways(const Vector& x, const Vector& y, int workers) {
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
                   {{"SISD", 1, [&] { sink = dot_sisd(x, y, all); }},
                    {"SIMD", 1, [&] { sink = dot_simd(x, y, all); }},
                    {"MIMD", workers, [&] { sink = dot_mimd(x, y, workers); }},
                    {"SPMD", workers, [&] { sink = dot_spmd(x, y, workers); }}},
                   5);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"workers", 2, "threads, and as many processes", {1, 64}},
                        {"elements", 2'000'000, "elements of each vector", {1, 8'000'000}}});
  const int workers = program.integer("workers"), elements = program.integer("elements");
  Vector x(static_cast<std::size_t>(elements)), y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<double>(i % 10);
    y[i] = static_cast<double>(i);
  }
  const auto [sisd, simd, mimd, spmd] =
      program.scene("one way after the other", compute_all_ways, x, y, workers);
  say_times(program, x, y, workers);

  const std::int64_t expected = closed_form(elements);
  pdc::check(sisd == expected, "SISD gives the closed form", "{}", sisd);
  pdc::check(simd == expected, "SIMD gives the same integer", "{}", simd);
  pdc::check(mimd == expected, "so does MIMD", "{}", mimd);
  pdc::check(spmd == expected, "so does SPMD", "{}", spmd);
  return program.finish();
}
