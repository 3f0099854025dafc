// Granularity: how much of a loop a thread should take at a time.
//
// Concept   A library cuts a loop into pieces, and to hand out each piece costs something. Pieces too
//           small cost more than the work in them; with pieces too large, some threads have none.
//           The curve of the time falls, is flat, and rises again where there are fewer pieces than
//           threads. The grain is where cutting ends; a partitioner decides whether to go that far.
// Shows     tbb::parallel_reduce, tbb::simple_partitioner, tbb::auto_partitioner,
//           tbb::static_partitioner, tbb::task_arena
// Python    multiprocessing.Pool.map with chunksize
// Run       granularity --bits 20
// You see   how many pieces each grain and each partitioner makes, and how long the loop takes
// Next      fibonacci has a cut-off, which is the grain of a recursion

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/program.hpp"

#include <fmt/core.h>
#include <tbb/blocked_range.h>
#include <tbb/global_control.h>
#include <tbb/parallel_reduce.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace {

struct Counted {
  std::int64_t bits = 0;
  std::int64_t pieces = 0;
};

/// The bits that are set in all numbers below n. A piece of more than `grain` numbers may be halved.
Counted count_bits(std::int64_t n, std::int64_t grain, auto&& partitioner) {
  const auto count = [](const tbb::blocked_range<std::int64_t>& piece, Counted before) {
    for (std::int64_t i = piece.begin(); i < piece.end(); ++i)
      before.bits += std::popcount(static_cast<std::uint64_t>(i));
    return Counted{before.bits, before.pieces + 1};
  };
  const auto add = [](Counted left, Counted right) {
    return Counted{left.bits + right.bits, left.pieces + right.pieces};
  };
  const tbb::blocked_range<std::int64_t> all(0, n, grain);
  return tbb::parallel_reduce(all, Counted{}, count, add, partitioner);
}

/// A way to cut the loop.
struct Way {
  std::string name;
  std::function<Counted()> run;
  std::int64_t grain = 0;            // of those that halve as long as they can
  Counted drawn = {}, counted = {};  // in the picture, and in the last run that was timed
};

constexpr std::int64_t step = 4;  // from one grain to the next

/// With a grain of 1, what each partitioner makes of it; then each grain, always cut all the way.
std::vector<Way> list_ways(std::int64_t n) {
  std::vector<Way> ways = {
      {"auto", [=] { return count_bits(n, 1, tbb::auto_partitioner()); }},
      {"static", [=] { return count_bits(n, 1, tbb::static_partitioner()); }},
  };
  for (std::int64_t grain = 1; grain <= n; grain *= step) {
    ways.push_back({fmt::format("grain {}", grain),
                    [=] { return count_bits(n, grain, tbb::simple_partitioner()); }, grain});
  }
  return ways;
}

void run_each(std::vector<Way>& ways) {
  const pdc::Lane main("main");  // who waits for the loop, and takes pieces, too
  for (Way& way : ways) {
    const auto work = main.work("{}", way.name);
    way.drawn = way.run();
  }
}

void measure(pdc::Program& program, std::vector<Way>& ways) {
  std::vector<pdc::Variant> variants;
  for (Way& way : ways)
    variants.push_back(
        {way.name, tbb::this_task_arena::max_concurrency(), [&way] { way.counted = way.run(); }});
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants, 5);
  pdc::Curve grains{"simple_partitioner", {}}, automatic{"auto_partitioner", {}, true};
  pdc::say("\n  {:<14}{:>9}{:>12}{:>12}{:>12}", "", "pieces", "median", "lowest", "highest");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const Way& way = ways[i];
    const auto& [median, lowest, highest] = timings[i];
    pdc::say("  {:<14}{:>9}{:>12}{:>12}{:>12}", way.name, way.counted.pieces,
             pdc::time_text(median), pdc::time_text(lowest), pdc::time_text(highest));
    program.report(way.name, median, "s");
    if (way.grain == 0) continue;
    grains.points.emplace_back(way.grain, 1e3 * median);
    automatic.points.emplace_back(way.grain, 1e3 * timings[0].median);
  }
  pdc::plot("the time for each grain", {"grain", true}, {"ms", true}, {grains, automatic});
}

/// Of how many grains there are as many pieces as halving down to them makes.
std::int64_t count_right(const std::vector<Way>& ways, std::int64_t n) {
  return std::ranges::count_if(ways, [&](const Way& way) {
    const auto smallest =
        static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(way.grain)));
    return way.grain > 0 && way.counted.pieces == n / smallest;
  });
}

/// As if there were three cores.
Counted cut_for_three(const Way& way) {
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, 3);
  return tbb::task_arena(3).execute(way.run);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"bits", 20, "of the numbers looked at", {18, 22}}});
  const std::int64_t bits = program.integer("bits"), n = std::int64_t{1} << bits;
  std::vector<Way> ways = list_ways(n);
  program.scene("one loop, cut in many ways", run_each, std::ref(ways));
  measure(program, ways);

  const auto has_all = [&](const Way& way) {
    return way.drawn.bits == bits * n / 2 && way.counted.bits == bits * n / 2;
  };
  const auto right = std::ranges::count_if(ways, has_all), grains = std::ssize(ways) - 2;
  const std::int64_t automatic = ways[0].counted.pieces, fixed = ways[1].counted.pieces;
  const std::int64_t of_three = cut_for_three(ways[1]).pieces;
  const int threads = tbb::this_task_arena::max_concurrency();
  pdc::check(right == std::ssize(ways),
             "however it is cut, the loop counts as many bits as there are", "{} of {} ways", right,
             ways.size());
  pdc::check(count_right(ways, n) == grains,
             "simple_partitioner makes as many pieces as halving down to the grain does",
             "{} of {} grains", count_right(ways, n), grains);
  pdc::check(automatic > threads && automatic < n / 8,
             "auto_partitioner makes more pieces than threads, of more than 8 numbers on average",
             "{} pieces for {} threads", automatic, threads);
  pdc::check(fixed == threads && of_three == 3,
             "static_partitioner makes one piece for each thread",
             "{} pieces for {} threads, {} for 3", fixed, threads, of_three);
  return program.finish();
}
