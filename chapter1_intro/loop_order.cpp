// Loop order: the same work, and on one side eight times as many cache lines to fetch.
//
// Concept   A cache fetches whole lines, here of eight numbers, and has room for few. A matrix lies
//           in memory row by row. A loop along the rows uses all of a line; one down the columns uses
//           one number of it, and when it comes back, the line is gone. To transpose is to go along
//           one matrix and down the other: small tiles suit both.
// Shows     std::min
// Python    numpy.ascontiguousarray(a.T)
// Run       loop_order --n 2040
// You see   how many lines each order fetches in a model of a cache, and how long it takes here
// Next      false_sharing has two threads in one line; flynn uses several elements at once

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <set>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t tile = 8;  // rows and columns: as many as a line has numbers

/// One small square after the other, those at the edges cut off.
constexpr auto in_tiles = [](auto& from, auto& to, std::size_t n) {
  for (std::size_t top = 0; top < n; top += tile)
    for (std::size_t left = 0; left < n; left += tile) {
      const std::size_t bottom = std::min(top + tile, n), right = std::min(left + tile, n);
      for (std::size_t j = left; j < right; ++j)
        for (std::size_t i = top; i < bottom; ++i) to.at(j, i) = from.at(i, j);
    }
};

/// Wrong on purpose for what is written: it goes down the columns there.
constexpr auto by_rows = [](auto& from, auto& to, std::size_t n) {
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) to.at(j, i) = from.at(i, j);
};

/// Wrong on purpose for what is read.
constexpr auto by_columns = [](auto& from, auto& to, std::size_t n) {
  for (std::size_t j = 0; j < n; ++j)
    for (std::size_t i = 0; i < n; ++i) to.at(j, i) = from.at(i, j);
};

/// n rows, one after the other, of n numbers each.
struct Matrix {
  std::int64_t& at(std::size_t i, std::size_t j) { return numbers[i * n + j]; }
  std::size_t n;
  std::vector<std::int64_t> numbers = std::vector<std::int64_t>(n * n);
};

constexpr std::int64_t per_line = 8;  // numbers
constexpr std::size_t capacity = 64;  // lines that the model has room for, wherever they lie
constexpr std::int64_t model = 200;   // rows and columns

/// A matrix with a model of a small cache, which it has for itself.
struct Watched {
  std::int64_t& at(std::size_t i, std::size_t j) {
    std::int64_t& last_use = last_uses[(i * matrix.n + j) / per_line];
    if (cache.erase(last_use) == 0) ++fetched;  // it was not there
    last_use = ++now;
    cache.insert(last_use);
    if (cache.size() > capacity) cache.erase(cache.begin());  // the least recently used
    return matrix.at(i, j);
  }

  Matrix matrix;
  std::int64_t fetched = 0, now = 0;
  std::set<std::int64_t> cache = {};  // its lines, by the time at which each was used last
  std::vector<std::int64_t> last_uses = std::vector<std::int64_t>(matrix.numbers.size() / per_line);
};

/// How many lines are fetched of the matrix that is read, and of the one that is written.
std::pair<std::int64_t, std::int64_t> count_fetches(auto order, std::size_t n) {
  Watched from{{n}}, to{{n}};
  order(from, to, n);
  return {from.fetched, to.fetched};
}

pdc::Curve draw_fetches(const char* name, auto order) {
  pdc::Curve curve{name, {}};
  for (std::int64_t n = 16; n <= 128; n += 8) {
    const auto [read, written] = count_fetches(order, n);
    const auto lines = static_cast<double>(2 * n * n / per_line);
    curve.points.emplace_back(n, static_cast<double>(read + written) / lines);
  }
  return curve;
}

void check_fetches(const char* claim, auto order, std::int64_t of_read, std::int64_t of_written) {
  const auto [read, written] = count_fetches(order, model);
  pdc::check(read == of_read && written == of_written, claim, "{} and {}", read, written);
}

/// Of the matrix 0, 1, 2, ... Returns how many numbers came to their places, in all ways together.
std::size_t run_each(const std::vector<pdc::Variant>& ways, Matrix& to) {
  const pdc::Lane main("main");
  std::size_t right = 0;
  for (const pdc::Variant& way : ways) {
    std::ranges::fill(to.numbers, -1);
    auto work = main.work("{}", way.name);
    way.run();
    work.end();
    for (std::size_t j = 0; j < to.n; ++j) {
      for (std::size_t i = 0; i < to.n; ++i) right += to.at(j, i) == std::int64_t(i * to.n + j);
    }
  }
  return right;
}

void say_times(pdc::Program& program, const std::vector<pdc::Variant>& ways) {
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(ways, 3);
  for (std::size_t i = 0; i < ways.size(); ++i) {
    pdc::say("  {:<10}{:>12}  ({} to {})", ways[i].name, pdc::time_text(timings[i].median),
             pdc::time_text(timings[i].lowest), pdc::time_text(timings[i].highest));
    program.report(ways[i].name, timings[i].median, "s");
  }
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"n", 2040, "rows and columns of what is timed", {8, 6144}}});
  const std::size_t n = program.integer("n");
  Matrix from{n}, to{n};
  std::iota(from.numbers.begin(), from.numbers.end(), 0);
  const std::vector<pdc::Variant> ways = {{"by rows", 1, [&] { by_rows(from, to, n); }},
                                          {"by columns", 1, [&] { by_columns(from, to, n); }},
                                          {"in tiles", 1, [&] { in_tiles(from, to, n); }}};
  const auto right = program.scene("transposed in three orders", run_each, ways, to);
  say_times(program, ways);
  pdc::plot("how often each line is fetched", {"rows and columns"}, {"times"},
            {draw_fetches("by rows", by_rows), draw_fetches("in tiles", in_tiles)});

  constexpr std::int64_t numbers = model * model, lines = numbers / per_line;
  check_fetches("by rows, each line to read is fetched once, and one to write for each number",
                by_rows, lines, numbers);
  check_fetches("by columns, a line to read is fetched for each number, and each to write once",
                by_columns, numbers, lines);
  check_fetches("in tiles, each line of both is fetched once", in_tiles, lines, lines);
  pdc::check(right == 3 * n * n, "in every order, each number comes to its place", "{} of 3 * {}",
             right, n * n);
  return program.finish();
}
