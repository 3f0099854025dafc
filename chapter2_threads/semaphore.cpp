// Semaphore: at most so many threads at a time may hold a place.
//
// Concept   A semaphore counts free places. To acquire takes one, and waits while there is none; to
//           release gives one back and wakes whoever waits. With one place it is much like a mutex,
//           but any thread may release what another has acquired.
// Shows     std::counting_semaphore, acquire, release
// Python    threading.Semaphore
// Run       semaphore --threads 6 --places 2
// You see   without the semaphore all are inside at once, with it never more than there are places
// Next      queue has a place for each item; process_semaphore counts across processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <chrono>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

/// A place from here to the end of the scope. The standard has no such guard for a semaphore; without
/// one, an exception would keep the place for ever.
class Place {
 public:
  explicit Place(std::counting_semaphore<>& free_places) : free_places_(free_places) {
    free_places_.acquire();  // waits while there is none
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { free_places_.release(); }

 private:
  std::counting_semaphore<>& free_places_;
};

/// A room that counts who is inside.
struct Room {
  explicit Room(int visitors) : all_inside(visitors) {}

  void visit(const pdc::Lane& lane) {
    const auto hold = lane.hold("inside");
    const auto counted = inside.visit();
    all_inside.meet();  // forced: nobody goes on before all are inside who can be
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays what is done inside
  }

  pdc::Gauge inside;
  pdc::Meeting all_inside;
};

/// Wrong on purpose: nobody counts the places.
int most_without_semaphore(int threads) {
  Room room(threads);
  {
    std::vector<std::jthread> visitors;
    for (int i = 0; i < threads; ++i) {
      visitors.emplace_back([&, lane = pdc::Lane("thread {}", i)] { room.visit(lane); });
    }
  }  // ~jthread joins here
  return room.inside.most();
}

int most_with_semaphore(int threads, int places) {
  Room room(threads);
  std::counting_semaphore<> free_places(places);
  {
    std::vector<std::jthread> visitors;
    for (int i = 0; i < threads; ++i) {
      visitors.emplace_back([&, lane = pdc::Lane("thread {}", i)] {
        auto wait = room.all_inside.wait_outside(lane, "a place");
        const Place place(free_places);
        wait.end();
        room.visit(lane);
      });
    }
  }
  return room.inside.most();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 6, "threads that want to go in", {2, 64}},
                        {"places", 2, "places inside", {1, 64}}});
  const int threads = program.integer("threads");
  const int places = std::min(program.integer("places"), threads);

  const int without = program.scene("without the semaphore", most_without_semaphore, threads);
  const int with = program.scene("with the semaphore", most_with_semaphore, threads, places);

  pdc::check(without == threads, "without it, all were inside at once", "{} for {} places", without,
             places);
  pdc::check(with == places, "with it, the places were all in use, and never more",
             "{} for {} places", with, places);
  return program.finish();
}
