// Loop order: the same work, and on one side eight times as many cache lines to fetch.
//
// Concept   A cache fetches whole lines, here of eight numbers, and has room for so many. A matrix
//           lies in memory row by row. A loop along the rows uses all eight numbers of a line; one
//           down the columns uses one of them, and when it comes back, the line is gone. To transpose
//           is to go along one matrix and down the other: small tiles suit both.
// Shows     std::min, std::identity, std::ref
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
#include <functional>
#include <numeric>
#include <vector>

namespace {

using Number = std::int64_t;

constexpr std::size_t tile = 16;        // rows and columns
constexpr std::int64_t per_line = 8;    // numbers: a line of 64 bytes
constexpr std::int64_t capacity = 512;  // lines: a cache of 32 KiB

/// n rows, one after the other, of n numbers each.
struct Matrix {
  explicit Matrix(std::size_t rows) : n(rows), numbers(n * n) {}
  const Number& at(std::size_t i, std::size_t j) const { return numbers[i * n + j]; }
  Number& at(std::size_t i, std::size_t j) { return numbers[i * n + j]; }

  std::size_t n;
  std::vector<Number> numbers;
};

/// One small square after the other, those at the edges cut off.
constexpr auto in_tiles = [](std::size_t n, auto visit) {
  for (std::size_t top = 0; top < n; top += tile) {
    for (std::size_t left = 0; left < n; left += tile) {
      for (std::size_t i = top; i < std::min(top + tile, n); ++i) {
        for (std::size_t j = left; j < std::min(left + tile, n); ++j) visit(i, j);
      }
    }
  }
};

/// Wrong on purpose for what is written: it goes down the columns there.
constexpr auto by_rows = [](std::size_t n, auto visit) {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) visit(i, j);
  }
};

/// Wrong on purpose for what is read.
constexpr auto by_columns = [](std::size_t n, auto visit) {
  for (std::size_t j = 0; j < n; ++j) {
    for (std::size_t i = 0; i < n; ++i) visit(i, j);
  }
};

/// `use` is told each number before it is read or written.
void transpose(const Matrix& from, Matrix& to, auto order, auto use) {
  order(from.n, [&](std::size_t i, std::size_t j) { use(to.at(j, i)) = use(from.at(i, j)); });
}

/// A model of a first cache, in which a line may lie anywhere: when it is full, each new one drives
/// out the oldest. In it, a matrix begins with a line; these here need not.
class Cache {
 public:
  Cache(const Matrix& from, const Matrix& to) : read(from), written(to) {}
  const Number& operator()(const Number& to_read) {
    fetch(read, &to_read);
    return to_read;
  }
  Number& operator()(Number& to_write) {
    fetch(written, &to_write);
    return to_write;
  }

  struct Lines {
    explicit Lines(const Matrix& of)
        : begin(of.numbers.data()), fetched_as(of.numbers.size() / per_line, -capacity) {}
    const Number* begin;
    std::vector<std::int64_t> fetched_as;  // which of all fetches brought each line in last
    std::int64_t fetched = 0;
  };
  Lines read, written;

 private:
  void fetch(Lines& lines, const Number* number) {
    std::int64_t& fetched_as = lines.fetched_as[(number - lines.begin) / per_line];
    if (fetched_as > fetches_ - capacity) return;  // it is still there
    ++fetches_;
    fetched_as = fetches_;
    ++lines.fetched;
  }

  std::int64_t fetches_ = 0;
};

struct Way {
  const char* name;
  std::function<void()> run;   // without the model
  std::int64_t read, written;  // lines, by the model
};

Way watch(const char* name, const Matrix& from, Matrix& to, auto order) {
  const auto run = [&from, &to, order](auto use) { transpose(from, to, order, use); };
  Cache cache(from, to);
  run(std::ref(cache));
  return {name, [run] { run(std::identity{}); }, cache.read.fetched, cache.written.fetched};
}

/// Of the matrix 0, 1, 2, ... Returns how many numbers came to their places, in all ways together.
std::int64_t run_each(const std::vector<Way>& ways, Matrix& to) {
  const pdc::Lane main("main");
  std::int64_t right = 0;
  for (const Way& way : ways) {
    std::ranges::fill(to.numbers, -1);
    auto work = main.work("{}", way.name);
    way.run();
    work.end();
    for (std::size_t k = 0; k < to.numbers.size(); ++k) {
      if (to.at(k % to.n, k / to.n) == static_cast<Number>(k)) ++right;
    }
  }
  return right;
}

/// By the model, how often each line is fetched, for small matrices and larger ones.
pdc::Curve count_fetches(const char* name, auto order) {
  pdc::Curve curve{name, {}};
  for (std::size_t n = 64; n <= 1024; n += 64) {
    const Matrix from(n);
    Matrix to(n);
    const Way way = watch(name, from, to, order);
    const auto lines = static_cast<double>(2 * n * n) / per_line;
    curve.points.emplace_back(n, static_cast<double>(way.read + way.written) / lines);
  }
  return curve;
}

void say_times(pdc::Program& program, const std::vector<Way>& ways) {
  std::vector<pdc::Variant> variants;
  for (const Way& way : ways) variants.push_back({way.name, 1, way.run});
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants, 5);
  pdc::say("\n  lines fetched: {:>10}{:>12}      and the time here", "to read", "to write");
  for (std::size_t i = 0; i < ways.size(); ++i) {
    const auto& [median, lowest, highest] = timings[i];
    pdc::say("  {:<14}{:>11}{:>12}{:>13}  ({} to {})", ways[i].name, ways[i].read, ways[i].written,
             pdc::time_text(median), pdc::time_text(lowest), pdc::time_text(highest));
    program.report(ways[i].name, median, "s");
  }
  pdc::plot("how often each line is fetched", {"rows and columns"}, {"times"},
            {count_fetches("by rows", by_rows), count_fetches("in tiles", in_tiles)});
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"n", 2040, "rows and columns, a multiple of 8", {528, 3072}}});
  const std::int64_t n = program.integer("n"), all = n * n;
  if (n % per_line != 0) program.reject("--n has to be a multiple of 8");
  Matrix from(n), to(n);
  std::iota(from.numbers.begin(), from.numbers.end(), 0);

  const std::vector<Way> ways = {watch("by rows", from, to, by_rows),
                                 watch("by columns", from, to, by_columns),
                                 watch("in tiles", from, to, in_tiles)};
  const auto right =
      program.scene("the same matrix, transposed in three orders", run_each, ways, std::ref(to));
  say_times(program, ways);

  const auto check = [&](const Way& way, std::int64_t read, std::int64_t written,
                         const char* claim) {
    pdc::check(way.read == read && way.written == written, claim, "{} and {}", way.read,
               way.written);
  };
  check(ways[0], all / per_line, all,
        "by rows, each line to read is fetched once, and one to write for each number");
  check(ways[1], all, all / per_line,
        "by columns, a line to read is fetched for each number, and each to write once");
  check(ways[2], all / per_line, all / per_line, "in tiles, each line of both is fetched once");
  pdc::check(right == 3 * all, "in every order, each number comes to its place", "{} of 3 * {}",
             right, all);
  return program.finish();
}
