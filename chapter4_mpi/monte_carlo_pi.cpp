// Monte carlo pi: random points give pi, the same for any number of ranks.
//
// Concept   Of random points in a square, pi / 4 lie in the quarter of a circle. Ranks that begin
//           one stream all at its start draw the same points. A counter-based generator knows any
//           place of it at once: each rank draws blocks of its own, and the sum stays the same.
// Shows     SplitMix64 as a counter-based generator, MPI_Reduce
// Python    numpy.random.Philox, mpi4py comm.Reduce
// Run       mpirun -np 4 monte_carlo_pi --points 22500000 --seed 1
// You see   from the start all draw the same points; in blocks, each point is drawn by one rank
// Next      reduce combines more than sums; master_worker deals out blocks to whoever is free

// SPDX-License-Identifier: MIT
#include "pdc/mpi.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace {

constexpr int root = 0;
constexpr std::int64_t block = 1'000'000;  // points; the last one may be smaller

constexpr std::uint64_t step = 0x9e3779b97f4a7c15;  // from place to place of a stream

/// The number at that place of a stream; needs none of those before it. SplitMix64, by Steele, Lea
/// and Flood, "Fast splittable pseudorandom number generators" (2014).
constexpr std::uint64_t random_number(std::uint64_t start, std::uint64_t place) {
  std::uint64_t z = start + (place + 1) * step;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

/// Where the stream of a seed starts. If that were the seed itself, the stream of the seed `step`
/// further on would be this one without its first number.
constexpr std::uint64_t start_of(std::uint64_t seed) {
  return random_number(seed, 0);
}

/// How many of the points `first` to before `last` lie in the circle. Whole numbers only, so the
/// result is the same with every compiler; out of line, so that serial and parallel run this code.
[[gnu::noinline]] std::int64_t count_hits(std::uint64_t start, std::int64_t first,
                                          std::int64_t last) {
  constexpr std::uint64_t radius = std::uint64_t{1} << 31;
  std::int64_t hits = 0;
  for (std::int64_t place = first; place < last; ++place) {
    const std::uint64_t number = random_number(start, static_cast<std::uint64_t>(place));
    const std::uint64_t x = number >> 33;     // the upper 31 bits
    const std::uint64_t y = number % radius;  // the lower 31
    if (x * x + y * y < radius * radius) ++hits;
  }
  return hits;
}

struct Count {
  std::int64_t points = 0, hits = 0;
};

/// One standard deviation, by the binomial formula.
double expected_error(std::int64_t points) {
  constexpr double share = std::numbers::pi / 4;
  return 4 * std::sqrt(share * (1 - share) / static_cast<double>(points));
}

double pi_of(const Count& count) {
  return 4.0 * static_cast<double>(count.hits) / static_cast<double>(count.points);
}

/// Of all ranks, on the root.
Count add_up(const pdc::mpi::Session& mpi, const Count& mine) {
  Count all;
  MPI_Reduce(&mine, &all, 2, MPI_INT64_T, MPI_SUM, root, MPI_COMM_WORLD);  // both members
  pdc::mpi::say_by_rank(
      fmt::format("rank {}: {} of {} points hit", mpi.rank(), mine.hits, mine.points));
  if (mpi.rank() == root)
    pdc::say("pi is {:.6f}, give or take {:.6f}", pi_of(all), expected_error(all.points));
  return all;
}

/// Wrong on purpose: the same stream, the same place, the same points.
Count draw_from_the_start(const pdc::mpi::Session& mpi, std::uint64_t start, std::int64_t points) {
  Count mine{points / mpi.size(), 0};
  auto work = mpi.lane().work("points from 0");
  mine.hits = count_hits(start, 0, mine.points);
  work.end();
  return add_up(mpi, mine);
}

/// Blocks are dealt out in turn; what they are has nothing to do with the number of ranks.
Count draw_in_blocks(const pdc::mpi::Session& mpi, std::uint64_t start, std::int64_t points) {
  Count mine;
  for (std::int64_t first = mpi.rank() * block; first < points; first += mpi.size() * block) {
    const auto work = mpi.lane().work("block {}", first / block);
    const std::int64_t last = std::min(first + block, points);
    mine.hits += count_hits(start, first, last);
    mine.points += last - first;
  }
  return add_up(mpi, mine);
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::mpi::Session mpi(argc, argv);
  pdc::Program program(argc, argv,
                       {{"points", 22'500'000, "points in all", {1000, 100'000'000}},
                        {"seed", 1, "of the stream of random numbers"}});
  const std::int64_t points = program.integer("points");
  const auto seed = static_cast<std::uint64_t>(program.integer("seed"));
  const std::uint64_t start = start_of(seed);

  const Count same = program.scene("all from the start", draw_from_the_start, mpi, start, points);
  const Count all = program.scene("each its blocks", draw_in_blocks, mpi, start, points);

  if (mpi.rank() == root) {
    const std::int64_t of_one = count_hits(start, 0, points / mpi.size());
    const std::int64_t alone = count_hits(start, 0, points);
    const double errors = std::abs(pi_of(all) - std::numbers::pi) / expected_error(points);
    pdc::check(random_number(1234567, 0) == 6457827717110365317u &&
                   random_number(1234567, 1) == 3203168211198807973u,
               "the generator gives the numbers that are published for SplitMix64");
    pdc::check(random_number(start_of(seed + step), 0) != random_number(start, 1),
               "another seed's stream is not this one without its first number");
    pdc::check(same.hits == mpi.size() * of_one, "from the start, all ranks draw the same points",
               "{} times {} hits", mpi.size(), of_one);
    pdc::check(all.points == points, "in blocks, as many points are drawn as there are", "{}",
               all.points);
    pdc::check(all.hits == alone, "in blocks, as many points hit as if one rank draws them all",
               "{}", all.hits);
    pdc::check(errors < 6, "pi is within 6 expected errors", "{:.1f} of them", errors);
  }
  return program.finish();
}
