// Wavefront: a table in tiles, each of which needs the tile above it and the tile on its left.
//
// Concept   Each cell of the table that finds the longest common subsequence of two texts needs its
//           neighbours above and on the left. So cut the table into tiles: those of one diagonal do
//           not need each other. Each tile counts how many of those that it needs are done, and the
//           last of them starts it. There is no barrier: a tile waits for its neighbours alone.
// Shows     tbb::task_group, std::atomic, fetch_add
// Run       wavefront --tiles 4
// You see   counted in two steps, neither of two neighbours is the last one, and nobody starts the
//           tile that needs both; with fetch_add each tile starts once, after those it needs
// Next      flow_graph joins steps by edges; barrier makes all wait for the slowest in each round

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/global_control.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <latch>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// From Cormen et al., Introduction to Algorithms: they share GTCGTCGGAAGCCGGCCGAA, in this order.
constexpr std::string_view down = "ACCGGTCGAGTGCGCGGAAGCCGGCCGAA";
constexpr std::string_view across = "GTCGTTCGGAATGCCGTTGCTCTGTAAA";
constexpr int shared = 20, rows = down.size(), columns = across.size();

/// A std::atomic<int>. Forced, at a bad moment: a thread that has read it waits for another one.
struct Counter {
  std::atomic<int> value = 0;
  pdc::Meeting* bad_moment = nullptr;
  int linger(int seen) {
    if (bad_moment != nullptr) bad_moment->meet();
    return seen;
  }
  int load() { return linger(value.load()); }
  void store(int now) { value.store(now); }
  int fetch_add(int more) { return linger(value.fetch_add(more)); }
};

struct Tile {
  int row, column;

  int needs() const { return (row > 0 ? 1 : 0) + (column > 0 ? 1 : 0); }
};

struct Table {
  explicit Table(int n) : tiles(n) { there[index({1, 1})].bad_moment = &both_have_read; }
  int index(const Tile& tile) const { return tile.row * tiles + tile.column; }
  bool is_done(int row, int column) { return row < 0 || column < 0 || done[index({row, column})]; }
  /// The length for the first i letters of one text and the first j of the other.
  int& at(int i, int j) { return cells[i * (columns + 1) + j]; }

  const int tiles;  // in each direction
  std::vector<int> cells = std::vector<int>((rows + 1) * (columns + 1));
  std::vector<Counter> there = std::vector<Counter>(tiles * tiles);  // how many of those it needs
  tbb::task_group tasks;

  // The evidence, and the attack.
  std::vector<std::atomic<bool>> done = std::vector<std::atomic<bool>>(tiles * tiles);
  std::atomic<int> started = 0, too_early = 0;
  pdc::Meeting both_have_read{2};
  std::latch border{2 * tiles - 1};  // tiles that need one neighbour at most, and have passed on
};

void compute(Table& table, const Tile& tile) {
  if (tile.row == 1 && tile.column == 1) table.border.wait();  // forced: it is slow
  const int bottom = rows * (tile.row + 1) / table.tiles;
  const int right = columns * (tile.column + 1) / table.tiles;
  for (int i = rows * tile.row / table.tiles + 1; i <= bottom; ++i) {
    for (int j = columns * tile.column / table.tiles + 1; j <= right; ++j) {
      table.at(i, j) = down[i - 1] == across[j - 1]
                           ? table.at(i - 1, j - 1) + 1
                           : std::max(table.at(i - 1, j), table.at(i, j - 1));
    }
  }
}

/// Right: nothing comes between the reading and the writing, so one of two is the last.
int count(Counter& there) {
  return there.fetch_add(1) + 1;
}

/// Wrong on purpose: both neighbours may read before one of them writes.
int count_in_two_steps(Counter& there) {
  const int now = there.load() + 1;
  there.store(now);
  return now;
}

/// The last of those that a tile needs starts it.
void start(Table& table, const Tile& tile, int (*count_one)(Counter&)) {
  ++table.started;
  if (!table.is_done(tile.row - 1, tile.column) || !table.is_done(tile.row, tile.column - 1))
    ++table.too_early;
  table.tasks.run([&, tile, count_one, lane = pdc::Lane("tile {},{}", tile.row, tile.column)] {
    const auto work = lane.work("computes");
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays more cells
    compute(table, tile);
    table.done[table.index(tile)] = true;
    for (const Tile& next : {Tile{tile.row, tile.column + 1}, Tile{tile.row + 1, tile.column}}) {
      if (next.row == table.tiles || next.column == table.tiles) continue;
      if (count_one(table.there[table.index(next)]) == next.needs()) start(table, next, count_one);
    }
    if (tile.needs() < 2) table.border.count_down();
  });
}

struct Seen {
  int started, too_early, length;
};

Seen fill(int (*count_one)(Counter&), int tiles) {
  Table table(tiles);
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism,
                                            tiles * tiles);  // forced: no tile waits for a thread
  tbb::task_arena(tiles * tiles).execute([&] {
    start(table, {0, 0}, count_one);
    table.tasks.wait();  // also for what tasks have started
  });
  if (table.started < tiles * tiles) pdc::fault("nobody starts tile 1,1");
  return {table.started, table.too_early, table.at(rows, columns)};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"tiles", 4, "tiles in each direction", {3, 8}}});
  const int n = program.integer("tiles"), all = n * n;
  const Seen lost = program.scene("counted in two steps", fill, count_in_two_steps, n);
  const Seen right = program.scene("counted in one", fill, count, n);

  pdc::check(lost.started == 2 * n - 1, "in two steps, no tile that needs two others starts",
             "{} of {} start", lost.started, all);
  pdc::check(right.started == all, "in one step, as many tiles start as there are", "{} of {}",
             right.started, all);
  pdc::check(right.too_early == 0, "in one step, no tile starts before those that it needs",
             "{} of {}", right.too_early, all);
  pdc::check(right.length == shared, "in one step, the table says what the textbook says",
             "{} letters", right.length);
  return program.finish();
}
