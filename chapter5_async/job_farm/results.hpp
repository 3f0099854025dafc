// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"

#include "pdc/check.hpp"
#include "pdc/program.hpp"

/// What has become of a job: told, reported, and held against what is known.
namespace job_farm {

inline std::string list(const std::vector<int>& tasks) {
  constexpr std::size_t most = 20;
  const auto shown = std::span(tasks).first(std::min(tasks.size(), most));
  return fmt::format("{}{}", pdc::join(shown, " "), tasks.size() > most ? " ..." : "");
}

inline void report(pdc::Program& program, const Desk& desk) {
  const Farm::Counts& counts = desk.farm.counts();
  program.report("dealt", counts.dealt, "attempts");
  program.report("done", counts.done, "tasks");
  program.report("late", counts.late, "answers");
  program.report("twice", counts.twice, "results");
  program.report("failed", counts.failed, "tasks");
  program.report("workers come", desk.come, "connections");
  program.report("workers gone", desk.gone, "connections");
}

/// Who did what, and what was dealt out more than once.
inline void tell(pdc::Program& program, const Desk& desk) {
  report(program, desk);
  std::map<std::string, std::vector<int>> by;
  int lines = 0;
  for (int task = 0; task < desk.job.tasks; ++task) {
    const Farm::Task& one = desk.farm[task];
    if (one.state == Farm::State::done) by[one.by].push_back(task);
    if (one.attempts < 2 || ++lines > 8) continue;
    const bool done = one.state == Farm::State::done;
    pdc::say("task {} was dealt out {} times: {} {}", task, one.attempts,
             done ? "done by" : "given up,", done ? one.by : one.why);
  }
  if (lines > 8) pdc::say("... and {} others were dealt out more than once", lines - 8);
  for (const auto& [name, done] : by) pdc::say("{} did {}: {}", name, done.size(), list(done));
}

/// The part of the sum that a task has, counted here.
inline std::int64_t part(const Job& job, int task) {
  return pdc::count_primes(job.first_number(task), job.first_number(task + 1));
}

/// The sum of all results that count.
inline std::int64_t sum(const Desk& desk) {
  std::int64_t sum = 0;
  for (const Result& result : desk.results) sum += result.value.as_int64();
  return sum;
}

inline std::uint64_t checksum(const Desk& desk) {
  std::vector<json::value> tiles(desk.results.size());
  for (const auto& [task, value] : desk.results) tiles[static_cast<std::size_t>(task)] = value;
  return checksum(tiles);
}

inline void claim_right(const Desk& desk) {
  std::int64_t expected = desk.job.name == "primes" ? pdc::sieve_primes(numbers) : 0;
  for (int task = 0; task < desk.job.tasks && expected > 0; ++task)
    expected -= desk.job.fails(task) ? part(desk.job, task) : 0;
  if (desk.job.name != "mandelbrot")
    pdc::check(sum(desk) == expected, "the sum of the results is right", "{}", sum(desk));
  else if (desk.farm.counts().failed == 0)
    pdc::check(checksum(desk) == pdc::mandelbrot_known, "the iteration counts are the known ones",
               "checksum {:016x}", checksum(desk));
}

inline void claim_results(const Desk& desk, int workers, int faulty) {
  std::vector<int> times(static_cast<std::size_t>(desk.job.tasks)), once;
  for (const Result& result : desk.results) ++times[static_cast<std::size_t>(result.task)];
  int poison = 0, thrice = 0;
  for (int task = 0; task < desk.job.tasks; ++task) {
    const Farm::Task& one = desk.farm[task];
    once.push_back(desk.job.fails(task) ? 0 : 1);
    poison += desk.job.fails(task) ? 1 : 0;
    thrice += one.state == Farm::State::failed && one.failures == 3 ? 1 : 0;
  }
  pdc::check(times == once, "every task but the poison is in the result once", "{} of {}",
             desk.results.size(), desk.job.tasks);
  claim_right(desk);
  if (poison > 0)
    pdc::check(thrice == poison, "poison was given up after three attempts", "{} of {}", thrice,
               poison);
  if (workers > 0)
    pdc::check(faulty == 0, "none of its workers missed an acknowledgement", "{} workers", workers);
}

}  // namespace job_farm
