// Serial parallel: the same count of primes, by one thread and by several.
//
// Concept   Work that falls into independent pieces can be shared out. The threads take the next
//           piece whenever they are free, so none is idle while there is work. At best N threads
//           take a Nth of the time, and never more than the machine has cores.
// Shows     std::jthread, std::atomic
// Python    threading and multiprocessing, compared
// Run       serial_parallel --threads 2 --below 1000000
// You see   the same count both ways, and the table: speed-up, efficiency, and a yardstick
// Next      parallelization predicts the speed-up first; data_parallelism lets a library share out

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

std::int64_t count_serial(std::int64_t below) {
  const pdc::Lane lane("main");
  const auto work = lane.work("0 to {}", below);
  return pdc::count_primes(0, below);
}

std::int64_t count_parallel(std::int64_t below, int threads) {
  constexpr std::int64_t piece = 20'011;  // a prime, so that a count twice or none shows
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::int64_t> total = 0;
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        std::int64_t found = 0;  // of this thread alone: sharing it would make the threads wait
        std::int64_t first = next.fetch_add(piece);
        while (first < below) {
          const auto work = lane.work("{} to {}", first, first + piece);
          found += pdc::count_primes(first, std::min(first + piece, below));
          first = next.fetch_add(piece);
        }
        total += found;
      });
    }
  }  // ~jthread joins here
  return total;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"threads", 2, "threads that count", {1, 64}},
       {"below", 1'000'000, "count the primes below this number", {1, 5'000'000}}});
  const int threads = program.integer("threads");
  const int below = program.integer("below");

  const std::int64_t serial = program.scene("serial", count_serial, below);
  const std::int64_t parallel = program.scene("parallel", count_parallel, below, threads);
  pdc::say_speedup(program,
                   {{"serial", 1, [&] { count_serial(below); }},
                    {"parallel", threads, [&] { count_parallel(below, threads); }}},
                   5);

  const std::int64_t expected = pdc::sieve_primes(below);
  pdc::check(serial == expected, "the serial count is that of a sieve", "{} primes below {}",
             serial, below);
  pdc::check(parallel == expected, "the parallel count is the same", "{} primes", parallel);
  return program.finish();
}
