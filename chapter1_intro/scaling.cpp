// Scaling: how much each further worker gains, and what keeps it from gaining more.
//
// Concept   Four workers gain 3: is some of the work serial, or do they hold each other up? Ask
//           how large a serial part would explain it, for 2, 3, 4 workers. If it is always the
//           same, it may be serial work, as in Amdahl's law. If it grows, each pair of workers costs
//           something: the universal scalability law, by which more workers are slower in the end.
// Shows     std::jthread
// Run       scaling --workers 4
// You see   speed-ups with their spread, the serial part that would explain each, and the law that
//           fits them
// Next      weak_scaling lets the work grow; parallelization predicts before it measures

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Speedups = std::vector<std::pair<int, double>>;  // workers, and how much faster than one

/// Karp and Flatt: the serial part that would explain this speed-up, if all else were perfect.
double karp_flatt(int workers, double speedup) {
  return (workers / speedup - 1) / (workers - 1);
}

/// Gunther's universal scalability law; without crosstalk, it is Amdahl's.
struct Law {
  double contention;  // the part of the work that is done by one worker at a time
  double crosstalk;   // what each pair of workers costs

  double speedup(int workers) const {
    return workers / (1 + contention * (workers - 1) + crosstalk * workers * (workers - 1));
  }
};

/// Of this law, Karp and Flatt's part is contention + crosstalk * workers, a straight line: drawn
/// through the measured parts by least squares. Of a single one, it is Amdahl's law. Requires: more
/// workers than one in each.
Law fit(const Speedups& speedups) {
  const auto count = static_cast<double>(speedups.size());
  double workers = 0, part = 0;  // mean values
  for (const auto& [n, speedup] : speedups) {
    workers += n / count;
    part += karp_flatt(n, speedup) / count;
  }
  double together = 0, spread = 0;
  for (const auto& [n, speedup] : speedups) {
    together += (n - workers) * (karp_flatt(n, speedup) - part);
    spread += (n - workers) * (n - workers);
  }
  const double crosstalk = spread > 0 ? together / spread : 0;
  return {part - crosstalk * workers, crosstalk};
}

constexpr std::int64_t size = 1 << 19, piece = size / 1024;

struct Run {
  std::vector<std::int64_t> found;  // by each worker
  std::int64_t at_once = 0;         // workers that had begun before the first was waited for
};

/// The same work for any number of workers: primes below `size`. They take a piece in turn.
Run count_primes(int workers) {
  Run run{std::vector<std::int64_t>(workers)};
  std::vector<std::jthread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([=, &primes = run.found[i], lane = pdc::Lane("worker {}", i)] {
      const auto work = lane.work("count primes");
      for (std::int64_t first = i * piece; first < size; first += workers * piece)
        primes += pdc::count_primes(first, first + piece);
    });
  }
  run.at_once = std::ranges::count_if(threads, &std::jthread::joinable);
  threads.clear();  // joins
  return run;
}

constexpr Law serial_work{0.1, 0}, pairs{0.05, 0.05};  // two that are known, to compare with

void say_law(pdc::Program& program, const Speedups& speedups) {
  std::string text = "none, as no two have one";
  if (!speedups.empty()) {
    const Law law = fit(speedups);
    program.report("contention", 100 * law.contention, "%");
    text = fmt::format("{:.1f} % contention, too few cores for crosstalk", 100 * law.contention);
    if (speedups.size() > 1) {
      program.report("crosstalk", 100 * law.crosstalk, "%");
      text = fmt::format("{:.1f} % contention, {:.1f} % crosstalk", 100 * law.contention,
                         100 * law.crosstalk);
    }
  }
  pdc::say("the law that fits, while each has a core: {}", text);
}

/// Measures 1, 2, ... workers, and fits the law to what they gain while each has a core. Returns
/// the last run of each number of workers.
std::vector<Run> say_scaling(pdc::Program& program, int most) {
  std::vector<Run> runs(most);
  std::vector<pdc::Variant> variants;
  for (int n = 1; n <= most; ++n)
    variants.push_back({"workers", n, [&run = runs[n - 1], n] { run = count_primes(n); }});
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants);
  pdc::say("\n{:>7}{:>10}{:>21}{:>12}{:>14}", "workers", "speed-up", "lowest to highest",
           "efficiency", "Karp-Flatt");
  const auto cores = static_cast<int>(std::thread::hardware_concurrency());
  Speedups speedups;
  pdc::Curve measured{"measured", {}}, flat{"10 % serial work", {}, true},
      rising{"5 % of each", {}, true};
  for (int n = 2; n <= most; ++n) {
    const pdc::Timing& time = times[n - 1];
    const double one = times[0].median, speedup = one / time.median;
    pdc::say("{:>7}{:>10.2f}{:>13.2f} to {:.2f}{:>10.0f} %{:>12.1f} %", n, speedup,
             one / time.highest, one / time.lowest, 100 * speedup / n,
             100 * karp_flatt(n, speedup));
    program.report(fmt::format("speed-up, {} workers", n), speedup, "times one worker's");
    if (n <= cores) speedups.emplace_back(n, speedup);
    measured.points.emplace_back(n, 100 * karp_flatt(n, speedup));
    flat.points.emplace_back(n, 100 * karp_flatt(n, serial_work.speedup(n)));
    rising.points.emplace_back(n, 100 * karp_flatt(n, pairs.speedup(n)));
  }
  say_law(program, speedups);
  pdc::plot("what would explain the speed-up", {"workers"}, {"serial part (%)"},
            {measured, flat, rising});
  return runs;
}

/// The law that is found in a curve made from this one, and Karp and Flatt's part of its ends.
struct Found {
  Law law;
  double first, last;
};

Found find(const Law& law, int most) {
  Speedups speedups;
  for (int n = 2; n <= most; ++n) speedups.emplace_back(n, law.speedup(n));
  return {fit(speedups), karp_flatt(2, law.speedup(2)), karp_flatt(most, law.speedup(most))};
}

bool is_near(double a, double b) {
  return std::abs(a - b) < 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 4, "workers, at most", {3, 16}}});
  const int workers = program.integer("workers");
  program.scene("the same work, shared out", count_primes, workers);
  const std::vector<Run> runs = say_scaling(program, workers);

  const Found amdahl = find(serial_work, workers), both = find(pairs, workers);
  const std::int64_t primes = pdc::sieve_primes(size);
  std::int64_t right = 0, at_once = 0;
  for (int n = 1; n <= workers; ++n) {
    const Run& run = runs[n - 1];
    if (std::reduce(run.found.begin(), run.found.end()) == primes) ++right;
    if (run.at_once == n) ++at_once;
  }
  pdc::check(right == workers,
             "however many workers there are, they find as many primes as a sieve does",
             "{} of {} numbers of workers find {}", right, workers, primes);
  pdc::check(at_once == workers,
             "as many workers as are asked for begin before the first is waited for",
             "{} of {} numbers of workers", at_once, workers);
  pdc::check(is_near(amdahl.first, 0.1) && is_near(amdahl.last, 0.1),
             "of speed-ups made by Amdahl's law, Karp and Flatt's part is the serial part",
             "{:.1f} % for 2 workers, {:.1f} % for {}", 100 * amdahl.first, 100 * amdahl.last,
             workers);
  pdc::check(is_near(both.first, 0.15) && is_near(both.last, 0.05 + 0.05 * workers),
             "of speed-ups made with crosstalk, the part grows with the workers",
             "{:.1f} % for 2 workers, {:.1f} % for {}", 100 * both.first, 100 * both.last, workers);
  pdc::check(is_near(both.law.contention, 0.05) && is_near(both.law.crosstalk, 0.05),
             "the fit finds the law that they were made from", "{:.1f} % and {:.1f} %",
             100 * both.law.contention, 100 * both.law.crosstalk);
  return program.finish();
}
