// Wavefront: a table in tiles, each of which needs the tile above it and the tile on its left.
//
// Concept   Each cell of the table that finds the longest common subsequence of two texts needs its
//           neighbours above and on the left. So cut the table into tiles: those of one diagonal do
//           not need each other. Each tile counts how many of those that it needs are done, and the
//           last of them starts it. There is no barrier: a tile waits for its neighbours alone.
// Shows     tbb::task_group, std::atomic, fetch_add
// Run       wavefront --length 1200 --tiles 3
// You see   all at once, tiles read edges that nobody has written; with counters none does, and
//           they start in a wave from one corner to the other
// Next      flow_graph joins steps by edges; barrier makes all wait for the slowest in each round

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "texts.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Counters = std::vector<std::atomic<int>>;
constexpr int unknown = -1;

struct Tile {
  int row, column;
  int step = 0;  // one more than that of the tile that let it go

  int needs() const { return (row > 0 ? 1 : 0) + (column > 0 ? 1 : 0); }
};

struct Table {
  Table(std::string_view a, std::string_view b, int n) : down(a), across(b), tiles(n) {
    for (int i = 1; i <= size; ++i) std::fill_n(&at(i, 1), size, unknown);
  }
  /// The length for the first i letters of one text and the first j of the other.
  int& at(int i, int j) { return cells[i * (size + 1) + j]; }
  int first_of(int tile) const { return size * tile / tiles; }
  int index(const Tile& tile) const { return tile.row * tiles + tile.column; }

  const std::string_view down, across;  // equally long
  const int tiles;                      // in each direction
  const int size = static_cast<int>(down.size());
  std::vector<int> cells = std::vector<int>((size + 1) * (size + 1));
  Counters there = Counters(tiles * tiles);  // how many of those that it needs a tile has
  tbb::task_group tasks;

  // The evidence, and the attack.
  pdc::Gauge at_work;
  std::atomic<int> too_early = 0;  // tiles that read an edge before it was written
  std::atomic<int> to_read = 0;    // tiles that are let go and have not read their edges yet
  Counters on_step = Counters(2 * tiles - 1), done = Counters(tiles * tiles);
};

/// Forced: a tile writes nothing before all that have been let go have read their edges. And two
/// tiles are slow: each waits until the other tile that a third one needs has let go what it can.
void linger(Table& table, const Tile& tile) {
  --table.to_read;
  table.to_read.notify_all();
  if (tile.row == 1 && tile.column == 0) table.done[table.index({0, 1})].wait(0);
  if (tile.row == 0 && tile.column == 2) table.done[table.index({1, 1})].wait(0);
  for (int left = table.to_read; left > 0; left = table.to_read) table.to_read.wait(left);
}

void compute(Table& table, const Tile& tile) {
  const auto visit = table.at_work.visit();
  ++table.on_step[tile.step];
  const int top = table.first_of(tile.row), bottom = table.first_of(tile.row + 1);
  const int left = table.first_of(tile.column), right = table.first_of(tile.column + 1);
  std::vector<int> above, before;  // the edges: what other tiles have computed
  for (int j = left; j <= right; ++j) above.push_back(table.at(top, j));
  for (int i = top; i <= bottom; ++i) before.push_back(table.at(i, left));
  if (std::ranges::count(above, unknown) + std::ranges::count(before, unknown) > 0) {
    if (table.too_early++ == 0) pdc::fault("an edge is missing");
  }
  linger(table, tile);
  const auto cell = [&](int i, int j) {
    if (i == top) return above[j - left];
    return j == left ? before[i - top] : table.at(i, j);
  };
  for (int i = top + 1; i <= bottom; ++i) {
    for (int j = left + 1; j <= right; ++j) {
      table.at(i, j) = table.down[i - 1] == table.across[j - 1]
                           ? cell(i - 1, j - 1) + 1
                           : std::max(cell(i - 1, j), cell(i, j - 1));
    }
  }
}

using Run = void(Table&, const Tile&);

void let_go(Table& table, const std::vector<Tile>& ready, Run& run) {
  table.to_read += static_cast<int>(ready.size());
  for (const Tile& tile : ready) {
    table.tasks.run([&, tile, lane = pdc::Lane("tile {},{}", tile.row, tile.column)] {
      const auto work = lane.work("computes");
      run(table, tile);
      table.done[table.index(tile)] = 1;
      table.done[table.index(tile)].notify_all();
    });
  }
}

/// Right: of the two tiles that another one needs, the last to be done lets it go.
void compute_and_pass_on(Table& table, const Tile& tile) {
  compute(table, tile);
  std::vector<Tile> ready;
  for (const Tile& next : {Tile{tile.row, tile.column + 1, tile.step + 1},
                           Tile{tile.row + 1, tile.column, tile.step + 1}}) {
    if (next.row == table.tiles || next.column == table.tiles) continue;
    const int there = table.there[table.index(next)].fetch_add(1) + 1;
    if (there == next.needs()) ready.push_back(next);
  }
  let_go(table, ready, compute_and_pass_on);
}

void start_with_the_first(Table& table) {
  let_go(table, {{0, 0}}, compute_and_pass_on);
}

/// Wrong on purpose: nothing says that a tile needs others.
void start_all(Table& table) {
  std::vector<Tile> all;
  for (int i = 0; i < table.tiles * table.tiles; ++i)
    all.push_back({i / table.tiles, i % table.tiles});
  let_go(table, all, compute);
}

/// One of the longest common subsequences, read from the table, from its end.
std::string spell(Table& table) {
  std::string letters;
  for (int i = table.size, j = table.size; i > 0 && j > 0;) {
    if (table.down[i - 1] == table.across[j - 1]) {
      letters.insert(letters.begin(), table.down[i - 1]);
      --i;
      --j;
    } else if (table.at(i - 1, j) >= table.at(i, j - 1)) {
      --i;
    } else {
      --j;
    }
  }
  return letters;
}

struct Seen {
  int length, too_early;
  bool at_once;              // two tiles or more
  std::vector<int> on_step;  // tiles that were computed
  std::string letters;
};

Seen fill(void (*start)(Table&), std::string_view a, std::string_view b, int tiles) {
  Table table(a, b, tiles);
  const int threads = tiles * tiles;  // forced: no tile has to wait for a thread
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena(threads).execute([&] {
    start(table);
    table.tasks.wait();  // also for what tasks have let go
  });
  return {table.at(table.size, table.size),
          table.too_early,
          table.at_work.most() > 1,
          {table.on_step.begin(), table.on_step.end()},
          spell(table)};
}

std::vector<int> count_diagonals(int tiles) {
  std::vector<int> counts;
  for (int d = 0; d < 2 * tiles - 1; ++d) counts.push_back(std::min(d + 1, 2 * tiles - 1 - d));
  return counts;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"length", 1200, "letters of each text", {16, 4000}},
                        {"tiles", 3, "tiles in each direction", {3, 8}}});
  const int n = program.integer("tiles"), letters = program.integer("length");
  const std::string a = texts::make(letters, 0), b = texts::make(letters, 7);

  const Seen wrong = program.scene("all at once", fill, start_all, a, b, n);
  const Seen right = program.scene("with counters", fill, start_with_the_first, a, b, n);

  const int all = n * n, length = texts::find_length(a, b);
  pdc::check(wrong.too_early == all - 1,
             "all at once, each tile but the first reads an edge that nobody has written",
             "{} of {}", wrong.too_early, all);
  pdc::check(wrong.length < length, "all at once, the length is too small", "{} for {}",
             wrong.length, length);
  pdc::check(right.too_early == 0, "with counters, no tile reads an edge that nobody has written",
             "{} of {}", right.too_early, all);
  pdc::check(right.on_step == count_diagonals(n),
             "with counters, each step has the tiles of one diagonal", "{}",
             pdc::join(right.on_step));
  pdc::check(right.at_once, "with counters, tiles that do not need each other are at work at once");
  pdc::check(right.length == length, "with counters, the length is the one that is found serially",
             "{} letters", right.length);
  pdc::check(std::ssize(right.letters) == length && texts::is_subsequence(right.letters, a) &&
                 texts::is_subsequence(right.letters, b),
             "the table spells as many letters, and they stand in both texts in that order");
  return program.finish();
}
