// Atomics: one number that many threads change, and no lock.
//
// Concept   An atomic operation is never seen half done: fetch_add reads, adds and writes in one
//           step. What has no operation of its own is built from compare-exchange: it writes only
//           if the value is still the one that was seen; if not, it says what the value is now, and
//           the thread tries again.
// Shows     fetch_add, compare_exchange_weak
// Run       atomics --threads 4
// You see   with a load and a separate store one addition of 4 counts, and all 4 get one of 2
//           seats; atomic operations get both right
// Next      interleavings finds the bad moments by itself; thread_local_storage shares no number
//           until the end

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <thread>
#include <vector>

namespace {

constexpr int all_seats = 2;

struct Hall {
  explicit Hall(int threads) : all_have_read(threads) {}

  std::atomic<int> count = 0, seats = all_seats;
  pdc::Meeting all_have_read;
};

int read(Hall& hall, const std::atomic<int>& number) {
  const int seen = number;
  hall.all_have_read.meet();  // forced: each thread has read before one writes
  return seen;
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

/// Right: a seat is taken only if the number is still the one that this thread has seen.
bool take_seat(Hall& hall) {
  int seen = read(hall, hall.seats);
  while (seen > 0) {
    if (hall.seats.compare_exchange_weak(seen, seen - 1)) return true;
    // not written: now `seen` is the number that stands there
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
  bool (*take_seat)(Hall&);
};
constexpr Operations loads_and_stores{add_by_store, take_seat_by_store};
constexpr Operations atomic_operations{add, take_seat};

struct Seen {
  int count, seated;
};

Seen change(const Operations& use, int threads) {
  Hall hall(threads);
  std::atomic<int> seated = 0;
  {
    std::vector<std::jthread> changing;
    for (int i = 0; i < threads; ++i) {
      changing.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        auto work = lane.work("adds 1");
        use.add(hall);
        work.end();
        const auto next = lane.work("a seat?");
        if (use.take_seat(hall)) ++seated;
      });
    }
  }  // ~jthread joins here
  return {hall.count, seated};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that change the numbers", {3, 64}}});
  const int n = program.integer("threads");

  const Seen wrong = program.scene("loads and stores", change, loads_and_stores, n);
  const Seen right = program.scene("atomic operations", change, atomic_operations, n);

  pdc::check(wrong.count == 1, "with a load and a store, one addition counts and all others do not",
             "{} of {}", wrong.count, n);
  pdc::check(wrong.seated == n, "with a load and a store, all threads get a seat",
             "{} threads on {} seats", wrong.seated, all_seats);
  pdc::check(right.count == n, "with fetch_add, every addition counts", "{} of {}", right.count, n);
  pdc::check(right.seated == all_seats,
             "with compare-exchange, as many threads get a seat as there are seats",
             "{} threads on {} seats", right.seated, all_seats);
  return program.finish();
}
