// Weak scaling: as much work for each worker, however many they are; and how much is as much?
//
// Concept   Strong scaling shares out the same work to more workers. Weak scaling keeps the work of
//           each, so that all of it grows with the workers. Then work has to be counted, in its own
//           steps: twice as many numbers, rows or particles are seldom twice the work.
// Shows     std::jthread
// Run       weak_scaling --workers 2
// You see   equal ranges, in which the last worker has the most to do; equal work, and its gain
// Next      scaling finds out what holds the workers up; parallelization has Gustafson's law

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

namespace {

constexpr std::int64_t numbers = 300'000;        // of one worker alone
constexpr std::int64_t known_steps = 6'235'949;  // that these take, by a sieve of the least factors

/// By one worker: how many numbers are prime, and the steps that it took.
struct Counted {
  std::int64_t primes = 0, steps = 0;
};

/// Tries the odd numbers from `first`, which is odd, to before `end`: a step for each divisor tried.
Counted count_primes(std::int64_t first, std::int64_t end) {
  Counted counted;
  for (std::int64_t number = first; number < end; number += 2) {
    std::int64_t divisor = 3;
    while (divisor * divisor <= number && number % divisor != 0) divisor += 2;
    if (divisor * divisor > number) ++counted.primes;
    counted.steps += (divisor - 1) / 2;
  }
  return counted;
}

using Cuts = std::vector<std::int64_t>;  // where the first worker begins, the second, ..., the end

/// Wrong on purpose: as many numbers for each, and larger numbers take more steps.
Cuts cut_by_numbers(int workers) {
  Cuts cuts;
  for (int i = 0; i <= workers; ++i) cuts.push_back(3 + i * numbers);
  return cuts;
}

/// As many steps for each as one has with its numbers: goes on until they are reached.
Cuts cut_by_steps(int workers) {
  Cuts cuts{3};
  std::int64_t number = 3, steps = 0;
  for (int i = 1; i <= workers; ++i) {
    for (; steps < i * known_steps; number += 2) steps += count_primes(number, number + 2).steps;
    cuts.push_back(number);
  }
  return cuts;
}

struct Run {
  std::vector<Counted> counted;
  std::int64_t at_once = 0;  // workers that had begun before the first was waited for
};

Run count_by_workers(const Cuts& cuts) {
  Run run{std::vector<Counted>(cuts.size() - 1)};
  std::vector<std::jthread> workers;
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    workers.emplace_back([&, i, lane = pdc::Lane("worker {}", i)] {
      const auto work = lane.work("{} to {}", cuts[i], cuts[i + 1] - 2);
      run.counted[i] = count_primes(cuts[i], cuts[i + 1]);
    });
  }
  run.at_once = std::ranges::count_if(workers, &std::jthread::joinable);
  workers.clear();  // joins
  return run;
}

std::vector<Counted> show_work(const Cuts& cuts) {
  const std::vector<Counted> counted = count_by_workers(cuts).counted;
  for (std::size_t i = 0; i < counted.size(); ++i)
    pdc::say("  worker {:<2} {:>8} to {:>8}: {:>9} steps", i, cuts[i], cuts[i + 1] - 2,
             counted[i].steps);
  return counted;
}

/// The most steps of a worker, by the least.
double unevenness(const std::vector<Counted>& counted) {
  const auto [least, most] = std::ranges::minmax(counted, {}, &Counted::steps);
  return static_cast<double>(most.steps) / static_cast<double>(least.steps);
}

/// Whether each worker has had the work of one alone, to 1 %.
bool is_as_much(const std::vector<Counted>& counted) {
  return std::ranges::all_of(counted, [](const Counted& one) {
    return std::abs(one.steps - known_steps) < known_steps / 100;
  });
}

/// Returns how many of the timed runs had all their workers at once, with as much for each.
int say_gain(pdc::Program& program, const Cuts& cuts, int most) {
  std::vector<Run> runs(most);
  std::vector<pdc::Variant> variants;
  for (int n = 1; n <= most; ++n) {
    const Cuts some(cuts.begin(), cuts.begin() + n + 1);
    variants.push_back({"workers", n, [=, &run = runs[n - 1]] { run = count_by_workers(some); }});
  }
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants);
  pdc::say("\nworkers      median     lowest to highest    speed-up    efficiency");
  int right = 0;
  for (int n = 1; n <= most; ++n) {
    const auto& [median, lowest, highest] = times[n - 1];
    const double gain = n * times[0].median / median;
    pdc::say("{:>7}{:>12}{:>11} to {}{:>12.2f}{:>12.0f} %", n, pdc::time_text(median),
             pdc::time_text(lowest), pdc::time_text(highest), gain, 100 * gain / n);
    program.report(fmt::format("speed-up, {} workers", n), gain, "times one worker's");
    if (runs[n - 1].at_once == n && is_as_much(runs[n - 1].counted)) ++right;
  }
  return right;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 2, "workers, at most", {2, 8}}});
  const int workers = program.integer("workers");
  const Cuts cuts = cut_by_steps(workers);
  const auto uneven = program.scene("as many numbers for each", show_work, cut_by_numbers(workers));
  const auto even = program.scene("as many steps for each", show_work, cuts);
  const int right = say_gain(program, cuts, workers);

  std::int64_t primes = 0;
  for (const Counted& one : even) primes += one.primes;
  pdc::check(uneven[0].steps == known_steps, "one worker alone takes as many steps as are known",
             "{}", uneven[0].steps);
  pdc::check(unevenness(uneven) > 1.25,
             "with as many numbers for each, one worker has over 25 % more work than another",
             "{:.2f} times", unevenness(uneven));
  pdc::check(is_as_much(even), "with as many steps for each, each has the work of one worker alone",
             "{:.3f} times", unevenness(even));
  pdc::check(primes == pdc::sieve_primes(cuts.back()) - 1, "no number is left out, or tried twice",
             "{} primes above 2", primes);
  pdc::check(right == workers, "all workers of a timed run are there at once, each with as much",
             "{} of {} runs", right, workers);
  return program.finish();
}
