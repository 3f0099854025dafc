// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"

#include "pdc/check.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

/// What has become of a job: told, reported, and held against what is known.
namespace job_farm {

inline void report(pdc::Program& program, const Farm::Counts& counts) {
  program.report("dealt", counts.dealt, "attempts");
  program.report("done", counts.done, "tasks");
  program.report("late", counts.late, "answers");
  program.report("twice", counts.twice, "results");
  program.report("failed", counts.failed, "tasks");
}

/// What was dealt out more than once.
inline void tell(const Farm& farm, int tasks) {
  constexpr int most = 8;
  int lines = 0;
  for (int task = 0; task < tasks; ++task) {
    const Farm::Task& one = farm[task];
    const bool done = one.state == Farm::State::done;
    if (one.attempts < 2 || ++lines > most) continue;
    pdc::say("task {} was dealt out {} times: {} {}", task, one.attempts,
             done ? "done by" : "given up,", done ? one.by : one.why);
  }
  if (lines > most) pdc::say("... and {} others were dealt out more than once", lines - most);
}

/// The result of a task, counted here.
inline std::int64_t expected(const Job& job, int task) {
  if (job.name != "primes") return 0;
  return pdc::count_primes(job.first(task), job.first(task + 1));
}

/// What those that fail leave of the sum of all results.
inline std::int64_t expected_sum(const Job& job) {
  std::int64_t sum = job.name == "primes" ? pdc::sieve_primes(numbers) : 0;
  for (int task = 0; task < job.tasks; ++task) sum -= job.fails(task) ? expected(job, task) : 0;
  return sum;
}

/// The sum of all results that count.
inline std::int64_t sum(const std::vector<Result>& results) {
  return std::accumulate(
      results.begin(), results.end(), std::int64_t{0},
      [](std::int64_t sum, const Result& result) { return sum + result.value.as_int64(); });
}

inline void claim_results(const Job& job, const Farm& farm, const std::vector<Result>& results) {
  std::vector<int> times(static_cast<std::size_t>(job.tasks)), once;
  for (const Result& result : results) ++times[static_cast<std::size_t>(result.task)];
  int given_up = 0;
  for (int task = 0; task < job.tasks; ++task) {
    const Farm::Task& one = farm[task];
    once.push_back(job.fails(task) ? 0 : 1);
    given_up += one.state == Farm::State::failed && one.failures >= 3 ? 1 : 0;
  }
  const auto poison = std::ranges::count(once, 0);
  pdc::check(times == once, "every task but the poison is in the result once", "{} of {}",
             results.size(), job.tasks);
  if (job.name != "mandelbrot")
    pdc::check(sum(results) == expected_sum(job), "the sum of the results is right", "{}",
               sum(results));
  if (poison > 0)
    pdc::check(given_up == poison, "poison was given up, not before three attempts", "{} of {}",
               given_up, poison);
}

}  // namespace job_farm
