// Atomics: one number that many threads change, and no lock.
//
// Concept   An atomic operation is never seen half done: fetch_add reads, adds and writes in one
//           step. What has no operation of its own is built from compare-exchange: it writes only
//           if the value is still the one that was seen; if not, it says what the value is now, and
//           the thread tries again.
// Shows     fetch_add, compare_exchange_weak
// Run       atomics --threads 4
// You see   with a load and a separate store one addition of 4 counts, the highest value is
//           overwritten, and all 4 get the last seat; atomic operations get each of the three right
// Next      parallel_reduce shares no number at all; lock guards several numbers at once

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

namespace {

struct Hall {
  explicit Hall(int n) : threads(n), all_have_read(n), turn_is_over(n) {}

  const int threads;
  std::atomic<int> count = 0, highest = 0, seats = 1;
  pdc::Meeting all_have_read, turn_is_over;
};

int read(Hall& hall, const std::atomic<int>& number) {
  const int seen = number;
  hall.all_have_read.meet();  // forced: each thread has read before one writes
  return seen;
}

/// Forced: the lowest value is written first, then the highest, then those between.
void write_in_turn(Hall& hall, int mine, const std::function<void()>& write) {
  const int my_turn = mine == 1 ? 0 : mine == hall.threads ? 1 : 2;
  for (int turn = 0; turn < 3; ++turn) {
    if (turn == my_turn) write();
    hall.turn_is_over.meet();
  }
}

/// Right: adding is an operation of its own.
void add(Hall& hall) {
  read(hall, hall.count);  // only for the bad moment: fetch_add reads by itself
  hall.count.fetch_add(1);
}

/// Wrong on purpose: the load and the store are atomic, but others act between the two.
void add_by_store(Hall& hall) {
  const int seen = read(hall, hall.count);
  if (hall.count != seen) pdc::fault("addition lost");
  hall.count = seen + 1;
}

/// Right: a value is overwritten only by a thread that has seen it, and has a higher one.
void keep_highest(Hall& hall, int mine) {
  int seen = read(hall, hall.highest);
  write_in_turn(hall, mine, [&] {
    while (mine > seen && !hall.highest.compare_exchange_weak(seen, mine)) {
      // not written: now `seen` is the value that stands there
    }
  });
}

/// Wrong on purpose.
void keep_highest_by_store(Hall& hall, int mine) {
  const int seen = read(hall, hall.highest);
  write_in_turn(hall, mine, [&] {
    if (hall.highest > mine) pdc::fault("highest lost");
    if (mine > seen) hall.highest = mine;
  });
}

/// Right: the seat is taken only if the number is still the one that this thread has seen.
bool take_seat(Hall& hall) {
  int seen = read(hall, hall.seats);
  while (seen > 0) {
    if (hall.seats.compare_exchange_weak(seen, seen - 1)) return true;
  }
  return false;
}

/// Wrong on purpose.
bool take_seat_by_store(Hall& hall) {
  const int seen = read(hall, hall.seats);
  if (seen == 0) return false;
  if (hall.seats != seen) pdc::fault("seat taken twice");
  hall.seats = seen - 1;
  return true;
}

struct Operations {
  void (*add)(Hall&);
  void (*keep_highest)(Hall&, int mine);
  bool (*take_seat)(Hall&);
};
constexpr Operations loads_and_stores{add_by_store, keep_highest_by_store, take_seat_by_store};
constexpr Operations atomic_operations{add, keep_highest, take_seat};

struct Seen {
  int count, highest, seated;
};

Seen change(const Operations& use, int threads) {
  Hall hall(threads);
  std::atomic<int> seated = 0;
  {
    std::vector<std::jthread> changing;
    for (int i = 0; i < threads; ++i) {
      changing.emplace_back([&, mine = i + 1, lane = pdc::Lane("thread {}", i)] {
        auto work = lane.work("adds 1");
        use.add(hall);
        work.end();
        auto next = lane.work("has {}", mine);
        use.keep_highest(hall, mine);
        next.end();
        auto last = lane.work("a seat?");
        if (use.take_seat(hall)) ++seated;
      });
    }
  }  // ~jthread joins here
  return {hall.count, hall.highest, seated};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that change the numbers", {3, 64}}});
  const int n = program.integer("threads");

  const Seen wrong = program.scene("loads and stores", change, loads_and_stores, n);
  const Seen right = program.scene("atomic operations", change, atomic_operations, n);

  pdc::check(wrong.count == 1, "with a load and a store, one addition counts and all others do not",
             "{} of {}", wrong.count, n);
  pdc::check(wrong.highest < n, "with a load and a store, a lower value overwrites the highest",
             "{}, not {}", wrong.highest, n);
  pdc::check(wrong.seated == n, "with a load and a store, all threads get the last seat",
             "{} of {}", wrong.seated, n);
  pdc::check(right.count == n, "with fetch_add, every addition counts", "{} of {}", right.count, n);
  pdc::check(right.highest == n, "with compare-exchange, the highest value stays", "{}",
             right.highest);
  pdc::check(right.seated == 1, "with compare-exchange, one thread gets the last seat", "{} of {}",
             right.seated, n);
  return program.finish();
}
