// Read write lock: many readers at once, or one writer alone.
//
// Concept   Those who only read do not disturb each other; who writes disturbs everyone. A shared
//           mutex lets in any number of readers, or a single writer and nobody else. A mutex is
//           right too, but makes readers wait for readers.
// Shows     std::shared_mutex, std::shared_lock, std::scoped_lock, std::latch
// Run       read_write_lock --readers 4
// You see   a torn read without a lock, one reader at a time with a mutex, all at once with a
//           shared mutex
// Next      lock keeps what it guards short; atomics needs no lock for one number

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <latch>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <vector>

namespace {

constexpr int visits = 3;  // of each reader, and of the writer

/// Two numbers that must be equal. Atomic, so that to read half a change is wrong, not undefined.
struct Pair {
  std::atomic<int> first = 0, second = 0;

  bool is_torn() const { return first != second; }
};

/// Wrong on purpose: the reader looks when one number is changed and the other is not.
int read_without_lock(int readers) {
  Pair pair;
  std::atomic<int> torn = 0;
  std::latch half_written(1), all_have_read(readers);
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < readers; ++i) {
      threads.emplace_back([&, lane = pdc::Lane("reader {}", i)] {
        half_written.wait();  // forced: all read in the middle of the change
        const auto work = lane.work("reads");
        torn += pair.is_torn() ? 1 : 0;
        all_have_read.count_down();
      });
    }
    const pdc::Lane lane("writer");
    const auto work = lane.work("writes");
    pair.first = 1;
    half_written.count_down();
    all_have_read.wait();
    pair.second = 1;
  }  // ~jthread joins here
  return torn;
}

struct Seen {
  pdc::Gauge readers;
  std::atomic<int> torn = 0, writer_in_company = 0;
};

/// The same for both kinds of mutex: only what a reader takes differs.
template <class Mutex, class ReadLock>
void read_and_write(int readers, Seen& seen) {
  Pair pair;
  Mutex mutex;
  pdc::Meeting inside(readers + 1);  // of the readers and the writer
  std::latch writing(1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < readers; ++i) {
    threads.emplace_back([&, lane = pdc::Lane("reader {}", i)] {
      for (int visit = 0; visit < visits; ++visit) {
        auto wait = inside.wait_outside(lane, "to read");
        if (visit > 0) writing.wait();  // forced: all want to read while there is a change
        const ReadLock lock(mutex);
        wait.end();
        const auto hold = lane.hold("reads");
        const auto counted = seen.readers.visit();
        inside.meet();  // forced: nobody goes on before all are inside who can be
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the reading
        seen.torn += pair.is_torn() ? 1 : 0;
        inside.meet();  // nor before all have looked
      }
    });
  }
  threads.emplace_back([&, lane = pdc::Lane("writer")] {
    while (seen.readers.most() == 0) std::this_thread::yield();  // a reader comes first
    for (int visit = 0; visit < visits; ++visit) {
      auto wait = inside.wait_outside(lane, "to write");
      const std::scoped_lock lock(mutex);
      wait.end();
      const auto hold = lane.hold("writes");
      ++pair.first;
      if (visit == 0) writing.count_down();
      inside.meet();  // forced: whoever can be inside is, in the middle of the change
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the writing
      seen.writer_in_company += seen.readers.inside() != 0 ? 1 : 0;
      inside.meet();
      ++pair.second;
    }
  });
}  // ~jthread joins each

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"readers", 4, "threads that read", {2, 64}}});
  const int n = program.integer("readers");
  Seen one, shared;

  const int torn = program.scene("without a lock", read_without_lock, n);
  program.scene("a mutex", read_and_write<std::mutex, std::scoped_lock<std::mutex>>, n,
                std::ref(one));
  program.scene("a shared mutex",
                read_and_write<std::shared_mutex, std::shared_lock<std::shared_mutex>>, n,
                std::ref(shared));

  pdc::check(torn == n, "without a lock, every reader sees half a change", "{} of {}", torn, n);
  pdc::check(one.readers.most() == 1, "a mutex lets in one reader at a time", "{} of {}",
             one.readers.most(), n);
  pdc::check(shared.readers.most() == n, "a shared mutex lets in all of them at once", "{} of {}",
             shared.readers.most(), n);
  pdc::check(one.writer_in_company + shared.writer_in_company == 0,
             "with a mutex and with a shared mutex, the writer is alone");
  pdc::check(one.torn + shared.torn == 0,
             "with a mutex and with a shared mutex, no reader sees half a change", "{} of {} reads",
             one.torn + shared.torn, 2 * n * visits);
  return program.finish();
}
