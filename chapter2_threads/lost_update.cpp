// Lost update: why `counter = counter + 1` is not safe when threads share it.
//
// Concept   To add one is three steps: read, add, write. A thread that writes what it made of an
//           old value wipes out what others wrote meanwhile. A mutex makes the three steps one, a
//           critical section: one thread at a time.
// Shows     std::jthread, std::mutex, std::scoped_lock
// Python    threading.Lock
// Run       lost_update --threads 4
// You see   without the mutex 1 of 4 updates counts, with it 4 of 4, the same every time
// Next      atomics does it with one std::atomic and no lock; process_lock does it between
//           processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

/// Wrong on purpose. The counter is atomic, so nothing here is undefined, and still updates are
/// lost: between a thread's load and its store the others are free to act.
int count_without_mutex(int threads) {
  std::atomic<int> counter = 0;
  pdc::Meeting all_have_read(threads);
  {
    std::vector<std::jthread> adding;
    for (int i = 0; i < threads; ++i) {
      adding.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        auto update = lane.work("update");
        const int seen = counter.load();
        update.rename("reads {}, writes {}", seen, seen + 1);
        all_have_read.meet();               // forced: nobody writes before everybody has read
        std::this_thread::sleep_for(10ms);  // plays the computing between the two
        counter.store(seen + 1);
      });
    }
  }  // ~jthread joins here
  if (counter < threads) pdc::fault("updates are lost");
  return counter;
}

int count_with_mutex(int threads) {
  int counter = 0;
  std::mutex mutex;
  pdc::Meeting all_have_read(threads);
  {
    std::vector<std::jthread> adding;
    for (int i = 0; i < threads; ++i) {
      adding.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        auto wait = all_have_read.wait_outside(lane, "mutex");
        const std::scoped_lock lock(mutex);  // one thread at a time from here to the closing brace
        wait.end();
        auto update = lane.hold("update");
        const int seen = counter;
        update.rename("reads {}, writes {}", seen, seen + 1);
        all_have_read.meet();               // forced here, too: all who can come in have read
        std::this_thread::sleep_for(10ms);  // plays the same computing
        counter = seen + 1;
      });
    }
  }
  return counter;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that add one each", {2, 64}}});
  const int threads = program.integer("threads");

  const int without = program.scene("without the mutex", count_without_mutex, threads);
  const int with = program.scene("with the mutex", count_with_mutex, threads);

  pdc::check(without == 1, "without the mutex one update counts, the others are lost", "{} of {}",
             without, threads);
  pdc::check(with == threads, "with the mutex every update counts", "{} of {}", with, threads);
  return program.finish();
}
