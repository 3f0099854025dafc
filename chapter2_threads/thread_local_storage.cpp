// Thread local storage: a variable of which each thread has one of its own.
//
// Concept   A thread that uses a thread_local variable has one of its own. It is made when the thread
//           comes to it first, and destroyed when the thread ends, before a join returns. So a
//           thread can count on its own, and add to what all share once, at its end, instead of
//           once for each update.
// Shows     thread_local
// Python    threading.local
// Run       thread_local_storage --threads 4 --updates 100000
// You see   one sum for all: 400000 additions to it; a sum for each thread: 4 additions to the one
//           that they share, and nothing is lost
// Next      once makes one thing for all threads; parallel_reduce adds up parts in a fixed order

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <latch>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace {

/// Counts what is added to it, and how often.
class SharedSum {
 public:
  void operator+=(std::int64_t number) {
    total_ += number;
    ++additions_;
  }
  std::int64_t total() const { return total_; }
  std::int64_t additions() const { return additions_; }

 private:
  std::atomic<std::int64_t> total_ = 0, additions_ = 0;
};

/// What all threads share.
struct Hall {
  explicit Hall(int threads) : all_have_begun(threads) {}

  SharedSum sum;
  std::atomic<int> made = 0, destroyed = 0;  // sums of a thread's own
  std::latch all_have_begun;  // a thread that had ended could leave its place to the next one
};

/// A thread's own sum. It is added to what all share when the thread ends.
class OwnSum {
 public:
  explicit OwnSum(Hall& hall) : hall_(hall), owner_(std::this_thread::get_id()) { ++hall.made; }
  OwnSum(const OwnSum&) = delete;
  OwnSum& operator=(const OwnSum&) = delete;
  ~OwnSum() {
    hall_.sum += sum;
    if (owner_ == std::this_thread::get_id()) ++hall_.destroyed;
  }

  std::int64_t sum = 0;  // plain: no other thread sees it

 private:
  Hall& hall_;
  const std::thread::id owner_;
};

/// Right, and each thread updates a place of its own.
const void* add_to_own(Hall& hall, int number) {
  thread_local OwnSum own(hall);  // made when this thread comes here first
  own.sum += number;
  return &own;
}

/// Right, and all threads update one place in memory.
const void* add_to_shared(Hall& hall, int number) {
  hall.sum += number;
  return &hall.sum;
}

struct Seen {
  std::int64_t total, additions;
  int made, destroyed;
  std::int64_t places;  // where the threads added
};

Seen add_up(const void* (*add)(Hall&, int), int threads, int updates) {
  Hall hall(threads);
  std::mutex mutex;
  std::set<const void*> places;
  const auto run = [&](const pdc::Lane& lane) {
    const void* const place = add(hall, 1);
    hall.all_have_begun.arrive_and_wait();
    auto work = lane.work("adds");
    for (int i = 2; i <= updates; ++i) add(hall, i);
    work.end();
    const std::scoped_lock lock(mutex);
    places.insert(place);
  };
  {
    std::vector<std::jthread> adding;
    for (int i = 0; i < threads; ++i) adding.emplace_back(run, pdc::Lane("thread {}", i));
  }  // ~jthread joins here: now the sums of their own are destroyed
  return {hall.sum.total(), hall.sum.additions(), hall.made, hall.destroyed, std::ssize(places)};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 4, "threads that add", {2, 64}},
                        {"updates", 100'000, "numbers that each thread adds", {2, 1'000'000}}});
  const int n = program.integer("threads");
  const std::int64_t updates = program.integer("updates");

  const Seen shared = program.scene("one sum for all", add_up, add_to_shared, n, updates);
  const Seen own = program.scene("a sum for each thread", add_up, add_to_own, n, updates);

  const std::int64_t total = n * updates * (updates + 1) / 2;
  pdc::check(shared.additions == n * updates,
             "with one sum for all, each update is an addition to the shared sum",
             "{} additions, {} updates", shared.additions, n * updates);
  pdc::check(own.additions == n, "with thread_local, each thread adds to the shared sum once",
             "{} additions, {} updates", own.additions, n * updates);
  pdc::check(own.total == total, "with thread_local, what the threads hand over is the whole total",
             "{} of {}", own.total, total);
  pdc::check(shared.places == 1 && own.places == n,
             "with thread_local, each thread has a place of its own in memory",
             "{} places for {} threads, {} without", own.places, n, shared.places);
  pdc::check(own.made == n && own.destroyed == n,
             "each thread's own sum is made once, and destroyed by that thread before it is joined",
             "{} made, {} destroyed", own.made, own.destroyed);
  return program.finish();
}
