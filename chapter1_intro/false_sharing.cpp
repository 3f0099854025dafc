// False sharing: threads that share no variable, and still take turns.
//
// Concept   A core fetches not single variables but whole cache lines, mostly of 64 bytes, and to
//           write to a line it must own it alone. Two counters in one line are two variables
//           to the program and one thing to the caches: each write takes the line away from the
//           other core. Aligned to a line, each counter has one to itself.
// Shows     alignas, std::hardware_destructive_interference_size, std::jthread, sysconf
// Run       false_sharing --threads 4
// You see   the same counts both ways, in how many lines the counters lie, and what that costs
// Next      task_parallelism gives each task an answer of its own; atomics shares one counter

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <set>
#include <thread>
#include <vector>

namespace {

using Counter = std::atomic<std::int64_t>;

constexpr int most = 8;  // counters that fit into 64 bytes

/// How far apart variables have to lie to share no line, as the compiler knows.
constexpr std::size_t apart = std::hardware_destructive_interference_size;

/// A line for each: nothing else lies in it, as alignment makes the size a multiple, too.
struct alignas(apart) Padded {
  Counter counter = 0;
};

/// A thread for each counter, to which nobody else writes. Returns how many threads had begun before
/// the first was waited for.
std::int64_t count(const std::vector<Counter*>& counters, std::int64_t steps) {
  std::vector<std::jthread> threads;
  for (Counter* const counter : counters) {
    threads.emplace_back([counter, steps, lane = pdc::Lane("thread {}", threads.size())] {
      const auto work = lane.work("counts");
      for (std::int64_t i = 0; i < steps; ++i) counter->fetch_add(1, std::memory_order_relaxed);
    });
  }
  return std::ranges::count_if(threads, &std::jthread::joinable);
}  // ~jthread joins each

struct Seen {
  std::set<std::uintptr_t> lines;  // by their numbers, from address 0 on
  std::int64_t right = 0;          // counters that hold all steps of their thread
  std::int64_t at_once = 0;        // threads that had begun before the first was waited for
};

/// Of the first cache, in bytes. In some virtual machines and containers the system does not know.
std::uintptr_t line_size() {
  const long bytes = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
  return bytes > 0 ? static_cast<std::uintptr_t>(bytes) : apart;
}

Seen watch(const std::vector<Counter*>& counters, std::int64_t steps) {
  Seen seen;
  seen.at_once = count(counters, steps);
  for (const Counter* const counter : counters) {
    seen.lines.insert(reinterpret_cast<std::uintptr_t>(counter) / line_size());
    if (*counter == steps) ++seen.right;
  }
  return seen;
}

/// Wrong on purpose: the counters are neighbours, as the elements of an array are.
Seen count_side_by_side(int threads, std::int64_t steps) {
  alignas(apart) std::array<Counter, most> together = {};  // else the stack decides where they lie
  std::vector<Counter*> counters;
  for (int i = 0; i < threads; ++i) counters.push_back(&together[i]);
  return watch(counters, steps);
}

Seen count_in_own_lines(int threads, std::int64_t steps) {
  std::vector<Padded> padded(threads);
  std::vector<Counter*> counters;
  for (Padded& each : padded) counters.push_back(&each.counter);
  return watch(counters, steps);
}

/// Not a claim: what the one line costs depends on the cores, and on what else they do.
void say_cost(pdc::Program& program, int threads, std::int64_t steps) {
  const std::vector<pdc::Variant> variants = {
      {"side by side", threads, [=] { count_side_by_side(threads, steps); }},
      {"in own lines", threads, [=] { count_in_own_lines(threads, steps); }}};
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants, 5);
  pdc::say("\n  {:<14}{:>10}{:>12}{:>12}", "", "median", "lowest", "highest");
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto& [median, lowest, highest] = timings[i];
    pdc::say("  {:<14}{:>10}{:>12}{:>12}", variants[i].name, pdc::time_text(median),
             pdc::time_text(lowest), pdc::time_text(highest));
    program.report(variants[i].name, median, "s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto in_a_line = static_cast<double>(line_size() / sizeof(Counter));
  pdc::Program program(
      argc, argv,
      {{"threads", 4, "threads, each with a counter", {2, std::min<double>(most, in_a_line)}},
       {"steps", 2'000'000, "that each thread counts", {1, 10'000'000}}});
  const int threads = program.integer("threads");
  const std::int64_t steps = program.integer("steps");

  const Seen close = program.scene("side by side", count_side_by_side, threads, steps);
  const Seen own = program.scene("each in a line of its own", count_in_own_lines, threads, steps);
  say_cost(program, threads, steps);

  pdc::check(close.lines.size() == 1, "side by side, all counters lie in one cache line",
             "{} counters in {} of {} bytes", threads, close.lines.size(), line_size());
  pdc::check(std::ssize(own.lines) == threads, "aligned, each counter has a line of its own",
             "{} counters in {} lines", threads, own.lines.size());
  pdc::check(close.right == threads && own.right == threads,
             "both ways, each counter holds all the steps of its thread", "{} and {} of {}",
             close.right, own.right, threads);
  pdc::check(close.at_once == threads && own.at_once == threads,
             "both ways, all threads begin before the first is waited for", "{} and {} of {}",
             close.at_once, own.at_once, threads);
  return program.finish();
}
