// Process semaphore: at most so many processes at a time may hold a place.
//
// Concept   A semaphore in shared memory counts free places across processes. It does not know who
//           has taken which: a process that is killed inside takes its place along, and somebody
//           who knows of the death, such as its parent, has to give the place back.
// Shows     sem_init, sem_wait, sem_post, sem_getvalue
// Python    multiprocessing.Semaphore
// Run       process_semaphore --processes 6 --places 2
// You see   who is inside at once without and with it; a place lost by a death, and given back
// Next      process_lock has an owner and notices its death; process_barrier lets all meet

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <semaphore.h>
#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

namespace {

/// Free places, counted across processes: it has to lie in memory that they share.
class Places {
 public:
  explicit Places(int number) {
    call(sem_init(&free_, 1, static_cast<unsigned>(number)), "sem_init");  // 1: between processes
  }
  Places(const Places&) = delete;
  Places& operator=(const Places&) = delete;
  ~Places() { sem_destroy(&free_); }
  void acquire() {  // waits while there is none
    while (sem_wait(&free_) == -1)
      if (errno != EINTR) call(-1, "sem_wait");  // EINTR: a signal handler ran, so wait again
  }
  void release() { call(sem_post(&free_), "sem_post"); }
  int count() {
    int number = 0;
    call(sem_getvalue(&free_, &number), "sem_getvalue");
    return number;
  }

 private:
  static void call(int result, const char* name) {
    if (result == -1) throw std::system_error(errno, std::generic_category(), name);
  }
  sem_t free_;
};

/// In shared memory.
struct Room {
  Room(int number, int parties) : free_places(number), all_inside(parties) {}

  void visit(const pdc::Lane& lane) {
    const auto hold = lane.hold("inside");
    const auto counted = inside.visit();
    all_inside.meet();  // forced: nobody goes on before all are inside who can be
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays what is done inside
  }
  Places free_places;
  pdc::Gauge inside;
  pdc::Meeting all_inside;
};

/// Wrong on purpose: nobody counts the places.
void enter_without_semaphore(Room& room, const pdc::Lane& lane) {
  room.visit(lane);
}

void enter_with_semaphore(Room& room, const pdc::Lane& lane) {
  auto wait = room.all_inside.wait_outside(lane, "a place");
  room.free_places.acquire();
  wait.end();
  room.visit(lane);
  room.free_places.release();
}

/// Whoever ends next is seen next: the others may wait for a killed one, and their parent for them.
void enter_all(int processes, Room& room, void (*enter)(Room&, const pdc::Lane&)) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < processes; ++i)
    children.emplace_back([&, lane = pdc::Lane("process {}", i)] { enter(room, lane); });
  for (int i = 0; i < processes; ++i) {
    const pdc::Exit exit = children[pdc::next_to_end(children)].wait();
    if (!exit.good()) pdc::require(false, "every process came to its end", "{}", exit.text());
  }
}

/// Wrong on purpose: the place of the dead one stays taken.
void forget_place(Room&) {}

void give_place_back(Room& room) {
  pdc::mark("given back");
  room.free_places.release();
}

/// One is killed inside, the next one wants its place, and the parent knows of the death.
void kill_inside(Room& room, void (*settle)(Room&)) {
  pdc::Child([&, lane = pdc::Lane("holder")] {
    room.free_places.acquire();
    auto hold = lane.hold("inside");
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays what is done inside
    hold.end();
    raise(SIGKILL);  // forced: it never comes to its release
  }).wait();
  pdc::fault("killed");
  pdc::Child next([&, lane = pdc::Lane("next")] { enter_with_semaphore(room, lane); });
  room.all_inside.meet();  // forced: the next one is inside, or sleeps until somebody releases
  settle(room);
  room.all_inside.meet();  // the same again
  if (room.inside.most() == 1) return;
  pdc::fault("waits for ever");
  kill(next.pid(), SIGTERM);  // only ends the demonstration
}  // ~Child waits here

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"processes", 6, "that want to go in", {2, 64}}, {"places", 2, "inside", {1, 64}}});
  const int processes = program.integer("processes");
  const int places = std::min(program.integer("places"), processes);
  const pdc::Shared<Room> without(places, processes), with(places, processes);
  const pdc::Shared<Room> forgotten(1, 2), settled(1, 2);  // 2: the parent, and the next one

  program.scene("without the semaphore", enter_all, processes, *without, enter_without_semaphore);
  program.scene("with the semaphore", enter_all, processes, *with, enter_with_semaphore);
  program.scene("one is killed inside", kill_inside, *forgotten, forget_place);
  program.scene("its place is given back", kill_inside, *settled, give_place_back);

  pdc::check(without->inside.most() == processes, "without the semaphore, all are inside at once",
             "{} for {} places", without->inside.most(), places);
  pdc::check(with->inside.most() == places,
             "with the semaphore, all places are in use, and never more", "{} for {} places",
             with->inside.most(), places);
  pdc::check(forgotten->inside.most() == 0, "the place of a process that is killed inside is lost",
             "{} of 1 came in after it", forgotten->inside.most());
  pdc::check(settled->inside.most() == 1 && settled->free_places.count() == 1,
             "a place that the parent gives back serves the next one, and is free after it",
             "{} of 1 came in, {} of 1 is free", settled->inside.most(),
             settled->free_places.count());
  return program.finish();
}
