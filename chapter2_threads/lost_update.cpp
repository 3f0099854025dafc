// Lost update: why `counter = counter + 1` is not safe when threads share it.
//
// Concept   To add one is three steps: read, add, write. A thread that writes what it computed from
// an old value
//           wipes out what others wrote meanwhile. A mutex makes the three steps one: a critical
//           section.
// Shows     std::jthread, std::barrier, std::mutex, std::scoped_lock
// Python    threading.Lock
// Run       lost_update --threads 4
// You see   without the mutex 1 of 4 updates counts, with it 4 of 4, the same every time
// Next      atomics does it with one std::atomic and no lock; process_lock does it between
// processes

#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

#include "pdc/program.hpp"
#include "pdc/timeline.hpp"

namespace {

using namespace std::chrono_literals;

/// Wrong on purpose. An atomic with separate load and store: the update is lost, yet nothing is
/// undefined.
int count_without_mutex(int threads) {
  std::atomic<int> counter = 0;
  std::barrier all_have_read(threads);
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&, i] {
        const pdc::Lane lane("thread {}", i);
        const auto update = lane.work("update");
        const int seen = counter.load();
        all_have_read.arrive_and_wait();    // forced: nobody writes before everybody has read
        std::this_thread::sleep_for(10ms);  // plays the computing between reading and writing
        counter.store(seen + 1);
      });
    }
  }  // ~jthread joins here
  return counter;
}

int count_with_mutex(int threads) {
  int counter = 0;
  std::mutex mutex;
  {
    std::vector<std::jthread> counting;
    for (int i = 0; i < threads; ++i) {
      counting.emplace_back([&, i] {
        const pdc::Lane lane("thread {}", i);
        auto wait = lane.wait("mutex");
        const std::scoped_lock lock(mutex);  // one at a time from here to the end of the scope
        wait.end();
        const auto update = lane.hold("update");
        const int seen = counter;
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

  pdc::check(without == 1, "without the mutex all updates but one are lost", "{} of {} count",
             without, threads);
  pdc::check(with == threads, "with the mutex no update is lost", "{} of {} count", with, threads);
  return program.finish();
}
