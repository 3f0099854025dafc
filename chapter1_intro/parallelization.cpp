// Parallelization: measure, share out the hot part, predict by Amdahl's law, measure again.
//
// Concept   Only the part that is shared out gets faster. If it was the fraction p of the time,
//           then N workers gain 1 / (1 - p + p / N), and never more than 1 / (1 - p): Amdahl's law.
//           But people with N times the workers often have N times the work: then the run takes as
//           long as before, its serial fraction s = 1 - p stays, and the gain is N - s (N - 1):
//           Gustafson's law.
// Shows     std::jthread, std::atomic
// Python    multiprocessing, after cProfile has shown where the time goes
// Run       parallelization --threads 4
// You see   where the time goes, what the laws predict, and what the clock says
// Next      serial_parallel has no serial part; mandelbrot is a problem to try this on

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t size = 1 << 18;

/// The serial part: each number is made from the one before, and no simple formula jumps ahead. All
/// numbers below `size`, each once: a quadratic congruential generator of full period (Knuth, The
/// Art of Computer Programming, 3.2.2).
std::vector<std::int64_t> draw_numbers(const pdc::Lane& lane) {
  const auto work = lane.work("draw numbers");
  std::vector<std::int64_t> numbers(size);
  std::int64_t number = 1;
  for (std::int64_t& drawn : numbers) {
    for (int i = 0; i < 5; ++i) number = (2 * number * number + 3 * number + 1) % size;
    drawn = number;
  }
  return numbers;
}

/// The hot part: how many of those from `first` to before `last` are prime. No test needs another.
std::int64_t count_primes(const std::vector<std::int64_t>& numbers, std::int64_t first,
                          std::int64_t last) {
  std::int64_t found = 0;
  for (std::int64_t i = first; i < last; ++i) {
    if (pdc::is_prime(numbers[static_cast<std::size_t>(i)])) ++found;
  }
  return found;
}

std::int64_t count_serial() {
  const pdc::Lane main("main");
  const auto numbers = draw_numbers(main);
  const auto work = main.work("count primes");
  return count_primes(numbers, 0, size);
}

/// With the hot part shared out. More rounds are more of the same work: all numbers once again.
std::int64_t count_parallel(int rounds, int threads) {
  constexpr std::int64_t piece = size / 64;
  const pdc::Lane main("main");
  const auto numbers = draw_numbers(main);
  const auto wait = main.wait("the threads");
  std::atomic<std::int64_t> next = 0;
  std::atomic<std::int64_t> total = 0;
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        const auto work = lane.work("count primes");
        std::int64_t first = next.fetch_add(piece);
        while (first < rounds * size) {
          total += count_primes(numbers, first % size, first % size + piece);
          first = next.fetch_add(piece);
        }
      });
    }
  }  // ~jthread joins here
  return total;
}

double hot_fraction(double serial, double all) {  // times of the same work, by one worker
  return (all - serial) / all;
}

double by_amdahl(double parallel_fraction, double workers) {
  return 1 / (1 - parallel_fraction + parallel_fraction / workers);
}

double by_gustafson(double serial_fraction, double workers) {
  return workers - serial_fraction * (workers - 1);
}

/// For 1, 2, 4, ... threads: what the laws say, and what the clock says.
void say_prediction(pdc::Program& program, int most) {
  std::vector<pdc::Variant> variants = {
      {"draw numbers", 1, [] { draw_numbers(pdc::Lane("main")); }}};
  for (int n = 1; n <= most; n *= 2) {
    variants.push_back({"the same work", n, [=] { count_parallel(1, n); }});
    variants.push_back({"as much for each", n, [=] { count_parallel(n, n); }});
  }
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants, 5);
  const double serial = times[0].median, all = times[1].median;
  const double p = hot_fraction(serial, all);
  pdc::say("\nthe serial part takes {} of {}, so p is {:.0f} %", pdc::time_text(serial),
           pdc::time_text(all), 100 * p);
  pdc::say("{:>11}{:>13}{:>17}{:>13}{:>19}", "threads", "Amdahl", "the same work", "Gustafson",
           "as much for each");
  pdc::Curve amdahl{"Amdahl", {}, true}, same{"the same work", {}};
  pdc::Curve gustafson{"Gustafson", {}, true}, grown{"as much for each", {}};
  for (std::size_t i = 1; i < times.size(); i += 2) {
    const int n = variants[i].workers;
    const double gain = all / times[i].median;
    const double gain_grown = (serial + n * (all - serial)) / times[i + 1].median;
    amdahl.points.emplace_back(n, by_amdahl(p, n));
    same.points.emplace_back(n, gain);
    gustafson.points.emplace_back(n, by_gustafson(1 - p, n));
    grown.points.emplace_back(n, gain_grown);
    pdc::say("{:>11}{:>13.2f}{:>17.2f}{:>13.2f}{:>19.2f}", n, by_amdahl(p, n), gain,
             by_gustafson(1 - p, n), gain_grown);
    program.report(fmt::format("the same work, {} threads", n), gain, "times serial");
    program.report(fmt::format("as much for each of {} threads", n), gain_grown, "times serial");
  }
  pdc::say("any number of threads gains {:.2f} at most with the same work", 1 / (1 - p));
  pdc::plot("predicted and measured", {"threads"}, {"speed-up"}, {same, grown, amdahl, gustafson});
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that count", {1, 8}}});
  const int threads = program.integer("threads");

  const auto serial = program.scene("1. measure: where does the time go?", count_serial);
  const auto parallel = program.scene("2. share out the hot part", count_parallel, 1, threads);
  const auto grown =
      program.scene("3. as much work for each thread", count_parallel, threads, threads);
  say_prediction(program, threads);

  const std::int64_t once = pdc::sieve_primes(size);
  pdc::check(serial == once, "the serial count is that of a sieve", "{} primes", serial);
  pdc::check(parallel == once, "with the hot part shared out, the count is the same", "{} primes",
             parallel);
  pdc::check(grown == threads * once,
             "with as much work for each thread, every number is counted in each round",
             "{} primes in {} rounds", grown, threads);
  return program.finish();
}
