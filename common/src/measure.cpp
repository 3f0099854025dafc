// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <thread>
#include <utility>

#include "pdc/deadline.hpp"
#include "pdc/print.hpp"
#include "pdc/timeline.hpp"
#include "run/run.hpp"
#include "run/world.hpp"

namespace pdc {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double seconds_of(const std::function<void()>& run) {
  const auto begin = Clock::now();
  run();
  const double seconds = seconds_since(begin);
  tell_progress();
  return seconds;
}

/// On a slow machine, a few rounds have to do.
bool is_enough(int rounds, Clock::time_point begin) {
  const bool has_partners = detail::world().size > 1 || detail::is_child();  // who do all of them
  return rounds >= 3 && !has_partners && seconds_since(begin) > detail::run().deadline / 6;
}

Timing summarize(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  const std::size_t half = times.size() / 2;
  const double median = times.size() % 2 == 1 ? times[half] : (times[half - 1] + times[half]) / 2;
  return {median, times.front(), times.back()};
}

/// The serial part that would explain a speed-up by Amdahl's law alone. Source: Karp and Flatt,
/// Measuring parallel processor performance, Communications of the ACM 33 (1990).
double karp_flatt(double speedup, int workers) {
  return (workers / speedup - 1) / (workers - 1);
}

/// As many copies of the serial work as there are workers, at the same time. A parallel version that
/// shares out memory or caches better than copies do can beat it.
Variant copies(const Variant& serial, int workers) {
  return {"yardstick", workers, [=] {
            std::vector<std::jthread> threads;
            for (int i = 0; i < workers; ++i) threads.emplace_back(serial.run);
          }};
}

}  // namespace

std::vector<Timing> time_in_turns(const std::vector<Variant>& variants, int rounds) {
  const detail::Paused paused;
  if (std::getenv("PDC_ONE_ROUND") != nullptr) {
    rounds = 1;
  } else {
    for (const Variant& variant : variants) seconds_of(variant.run);
  }
  std::vector<std::vector<double>> times(variants.size());
  const auto begin = Clock::now();
  for (int round = 0; round < rounds && !is_enough(round, begin); ++round) {
    for (std::size_t i = 0; i < variants.size(); ++i)
      times[i].push_back(seconds_of(variants[i].run));
  }
  std::vector<Timing> result;
  for (std::vector<double>& all : times) result.push_back(summarize(std::move(all)));
  return result;
}

void say_speedup(Program& program, const std::vector<Variant>& variants, int rounds) {
  std::vector<Variant> timed = variants;
  int workers = 1;
  for (const Variant& variant : variants) workers = std::max(workers, variant.workers);
  workers = std::min(workers, static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  timed.push_back(copies(variants.front(), workers));
  const std::vector<Timing> timings = time_in_turns(timed, rounds);

  say("\nhow long each takes");
  say("  {:<12} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11}", "", "median", "lowest", "highest",
      "speed-up", "efficiency", "Karp-Flatt");
  for (std::size_t i = 0; i < timed.size(); ++i) {
    const Timing& t = timings[i];
    const bool is_yardstick = i == variants.size();
    const double speedup = timings.front().median / t.median * (is_yardstick ? workers : 1);
    if (is_yardstick) say("  a yardstick, {} serial runs at once:", workers);
    const bool is_parallel = timed[i].workers > 1;
    const double serial_part = is_parallel ? 100 * karp_flatt(speedup, timed[i].workers) : 0;
    say("  {:<12} {:>9} {:>9} {:>9} {:>9.2f} {:>9.0f} %{}", timed[i].name, time_text(t.median),
        time_text(t.lowest), time_text(t.highest), speedup, 100 * speedup / timed[i].workers,
        is_parallel ? fmt::format(" {:>9.1f} %", serial_part) : "");
    program.report(timed[i].name + ", median", t.median, "s");
    program.report(timed[i].name + ", lowest", t.lowest, "s");
    program.report(timed[i].name + ", highest", t.highest, "s");
    program.report(timed[i].name + ", speed-up", speedup, "times serial");
    if (is_parallel) program.report(timed[i].name + ", Karp-Flatt", serial_part, "%");
  }
}

std::string time_text(double seconds) {
  const double size = std::abs(seconds);
  const auto [unit, name] = size < 1e-6   ? std::pair(1e-9, "ns")
                            : size < 1e-3 ? std::pair(1e-6, "µs")
                            : size < 1    ? std::pair(1e-3, "ms")
                                          : std::pair(1.0, "s");
  const double number = seconds / unit;
  const int decimals = size / unit < 10 ? 2 : size / unit < 100 ? 1 : 0;
  return fmt::format("{:.{}f} {}", number, decimals, name);
}

}  // namespace pdc
