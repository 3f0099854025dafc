// Atomics: one number that many threads change, and no lock.
//
// Concept   An atomic operation is never seen half done: fetch_add reads, adds and writes in one
//           step. What has no operation of its own is built from compare-exchange: write only if
//           nobody has written since I looked, else look again. And wait sleeps until it changes.
// Shows     fetch_add, compare_exchange_weak, compare_exchange_strong, wait, notify_all
// Run       atomics --threads 4 --updates 100000
// You see   a load and a separate store lose all updates but one; fetch_add counts every one, and
//           compare-exchange keeps the highest, and gives the last one to one only
// Next      parallel_reduce shares no number at all; lock guards more than one at a time

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

namespace {

/// The values grow, so each of the last ones may be the highest: a thread's neighbour has one more.
int value(int thread, int update, int threads) {
  return threads * update + thread + 1;
}

/// Wrong on purpose. The counter is atomic, but a load and then a store are two operations.
int count_with_load_and_store(int threads) {
  std::atomic<int> count = 0;
  std::barrier all_have_read(threads);
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        const int seen = count.load();
        const auto work = lane.work("reads {}, writes {}", seen, seen + 1);
        all_have_read.arrive_and_wait();  // forced: nobody writes before everybody has read
        count.store(seen + 1);
      });
    }
  }  // ~jthread joins here
  return count;
}

struct Found {
  int count, highest;
};

Found count_with_atomic_operations(int threads, int updates) {
  std::atomic<int> count = 0, highest = 0;
  std::atomic<bool> go = false;
  std::barrier all_have_read(threads);
  {
    std::vector<std::jthread> updating;
    for (int thread = 0; thread < threads; ++thread) {
      updating.emplace_back([&, thread, lane = pdc::Lane("thread {}", thread)] {
        auto wait = lane.wait("go");
        go.wait(false);  // sleeps while it is false
        wait.end();
        const auto work = lane.work("{} updates", updates);
        for (int i = 0; i < updates; ++i) {
          count.fetch_add(1);
          const int mine = value(thread, i, threads);
          int seen = highest.load();
          if (i == updates - 1) all_have_read.arrive_and_wait();  // forced: all have seen the same
          while (mine > seen && !highest.compare_exchange_weak(seen, mine)) {
            // another was faster: seen is now what it has written
          }
        }
      });
    }
    go = true;
    go.notify_all();
  }
  return {count, highest};
}

/// All see that one is left, and all try to take it. Returns how many get it.
int take_the_last(int threads) {
  std::atomic<int> left = 1, taken = 0;
  std::barrier all_have_read(threads);
  {
    std::vector<std::jthread> taking;
    for (int i = 0; i < threads; ++i) {
      taking.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        int seen = left.load();
        auto work = lane.work("sees {}", seen);
        all_have_read.arrive_and_wait();  // forced: nobody takes before everybody has read
        const bool mine = left.compare_exchange_strong(seen, seen - 1);  // only if it is as seen
        work.rename("{}", mine ? "takes it" : "is refused");
        if (mine) ++taken;
      });
    }
  }
  return taken;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that update", {2, 64}},
                        {"updates", 100'000, "updates of each thread", {1, 1'000'000}}});
  const int threads = program.integer("threads");
  const int updates = program.integer("updates");

  const int without = program.scene("a load and a store", count_with_load_and_store, threads);
  const Found with =
      program.scene("atomic operations", count_with_atomic_operations, threads, updates);
  const int taken = program.scene("the last one", take_the_last, threads);

  pdc::check(without == 1, "with a load and a store, one update counts, the others are lost",
             "{} of {}", without, threads);
  pdc::check(with.count == threads * updates, "with fetch_add, every update counts", "{} of {}",
             with.count, threads * updates);
  pdc::check(with.highest == value(threads - 1, updates - 1, threads),
             "with compare-exchange, the highest value is kept", "{}", with.highest);
  pdc::check(taken == 1, "the last one, seen by all, went to one of them", "{} of {}", taken,
             threads);
  return program.finish();
}
