// Scaling: how much each further worker gains, and what keeps it from gaining more.
//
// Concept   Four workers gain 3: is some of the work serial, or do they hold each other up? Ask how
//           large a serial part would explain it, for 2, 3, 4 workers. If it is always the same, it
//           may be serial work, as in Amdahl's law. If it grows, each pair of workers costs something:
//           the universal scalability law, by which more workers are slower in the end.
// Shows     std::jthread
// Run       scaling --workers 4
// You see   speed-ups, the serial part that would explain each, and the law that fits them
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
#include <thread>
#include <utility>
#include <vector>

namespace {

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

using Parts =
    std::vector<std::pair<double, double>>;  // for each number of workers, Karp and Flatt's

/// By that law the part is contention + crosstalk * workers, a straight line: drawn through these by
/// least squares. Requires: two numbers of workers, or more.
Law fit(const Parts& parts) {
  double count = 0, x = 0, y = 0, xx = 0, xy = 0;  // sums
  for (const auto& [workers, part] : parts) {
    count += 1;
    x += workers;
    y += part;
    xx += workers * workers;
    xy += workers * part;
  }
  const double crosstalk = (count * xy - x * y) / (count * xx - x * x);
  return {(y - crosstalk * x) / count, crosstalk};
}

/// What would explain the speed-ups that this law predicts.
Parts explain(const Law& law, int most) {
  Parts parts;
  for (int n = 2; n <= most; ++n) parts.emplace_back(n, karp_flatt(n, law.speedup(n)));
  return parts;
}

constexpr std::int64_t size = 1 << 19, piece = size / 1024;

struct Run {
  std::int64_t primes;
  std::int64_t at_once;  // workers that had begun before the first was waited for
};

/// The same work for any number of workers: primes below `size`. They take a piece in turn.
Run count_primes(int workers) {
  std::vector<std::int64_t> found(workers);
  std::vector<std::jthread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back([=, &primes = found[i], lane = pdc::Lane("worker {}", i)] {
      const auto work = lane.work("count primes");
      for (std::int64_t first = i * piece; first < size; first += workers * piece)
        primes += pdc::count_primes(first, first + piece);
    });
  }
  const std::int64_t at_once = std::ranges::count_if(threads, &std::jthread::joinable);
  threads.clear();  // joins
  return {std::reduce(found.begin(), found.end()), at_once};
}

/// Times 1, 2, ... workers, and keeps the last run of each. Returns what would explain the speed-ups.
Parts say_scaling(pdc::Program& program, std::vector<Run>& runs) {
  const int most = static_cast<int>(runs.size());
  std::vector<pdc::Variant> variants;
  for (int n = 1; n <= most; ++n)
    variants.push_back({"workers", n, [&run = runs[n - 1], n] { run = count_primes(n); }});
  const std::vector<pdc::Timing> times = pdc::time_in_turns(variants);
  pdc::say("\nworkers  speed-up    lowest to highest  efficiency    Karp-Flatt");
  Parts parts;
  for (int n = 2; n <= most; ++n) {
    const auto& [median, lowest, highest] = times[n - 1];
    const double one = times[0].median, speedup = one / median, part = karp_flatt(n, speedup);
    parts.emplace_back(n, part);
    pdc::say("{:>7}{:>10.2f}{:>13.2f} to {:.2f}{:>10.0f} %{:>12.1f} %", n, speedup, one / highest,
             one / lowest, 100 * speedup / n, 100 * part);
    program.report(fmt::format("speed-up, {} workers", n), speedup, "times one worker's");
  }
  return parts;
}

/// A law knows nothing of cores, so it is fitted to what was measured while each worker had one.
void say_law(Parts parts) {
  parts.resize(std::min<std::size_t>(parts.size(), std::thread::hardware_concurrency() - 1));
  if (parts.size() < 2) return pdc::say("the law that fits: none, as it takes three cores");
  const Law law = fit(parts);
  pdc::say("the law that fits, while each has a core: {:.1f} % contention, {:.1f} % crosstalk",
           100 * law.contention, 100 * law.crosstalk);
}

void check_fit(const char* claim, const Law& law, const Parts& parts) {
  const auto [contention, crosstalk] = fit(parts);
  pdc::check(std::hypot(contention - law.contention, crosstalk - law.crosstalk) < 1e-9, claim,
             "{} and {} %", std::lround(100 * contention), std::lround(100 * crosstalk));
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 4, "workers, at most", {3, 16}}});
  const int workers = program.integer("workers");
  program.scene("the same work, shared out", count_primes, workers);
  std::vector<Run> runs(workers);
  const Parts measured = say_scaling(program, runs);
  say_law(measured);
  constexpr Law amdahl{0.1, 0}, both{0.05, 0.05};
  const Parts flat = explain(amdahl, workers), rising = explain(both, workers);
  pdc::plot("what would explain the speed-up", {"workers"}, {"serial part"},
            {{"measured", measured}, {"10 % serial", flat, true}, {"5 % of each", rising, true}});

  const std::int64_t primes = pdc::sieve_primes(size);
  std::int64_t begun = 0;
  for (const Run& run : runs) begun += run.at_once;
  pdc::check(std::ranges::count(runs, primes, &Run::primes) == workers,
             "every number of workers finds as many primes as a sieve does", "{}", primes);
  pdc::check(begun == workers * (workers + 1) / 2,
             "all workers of a run begin before the first is waited for", "{} workers", begun);
  check_fit("of speed-ups made by Amdahl's law, the fit finds the serial part", amdahl, flat);
  check_fit("of speed-ups made with crosstalk, the fit finds both", both, rising);
  return program.finish();
}
