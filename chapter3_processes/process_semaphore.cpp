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
#include <chrono>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// In shared memory. Counts who is inside.
struct Room {
  Room(int places, int visitors) : all_inside(visitors) {
    pdc::posix(sem_init(&free_places, 1, places), "sem_init");  // 1: between processes
  }
  void visit(const pdc::Lane& lane) {
    const auto hold = lane.hold("inside");
    const auto counted = inside.visit();
    all_inside.meet();  // forced: nobody goes on before all are inside who can be
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays what is done inside
  }
  sem_t free_places;
  pdc::Gauge inside;
  pdc::Meeting all_inside;
};

/// Wrong on purpose: nobody counts the places.
void enter_without_semaphore(Room& room, const pdc::Lane& lane) {
  room.visit(lane);
}

void enter_with_semaphore(Room& room, const pdc::Lane& lane) {
  auto wait = room.all_inside.wait_outside(lane, "a place");
  pdc::posix(sem_wait(&room.free_places), "sem_wait");
  wait.end();
  room.visit(lane);
  sem_post(&room.free_places);
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

/// Returns how many places are free when one was killed inside, and when the next one was there.
std::pair<int, int> kill_inside(Room& room) {
  const pdc::Lane holder("holder"), next("next");
  pdc::Child([&] {
    pdc::posix(sem_wait(&room.free_places), "sem_wait");
    const auto hold = holder.hold("inside");
    const auto counted = room.inside.visit();
    std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays what is done inside
    raise(SIGKILL);  // forced: it never comes to its sem_post
  }).wait();
  pdc::fault("killed");
  int lost = 0, back = 0;
  pdc::posix(sem_getvalue(&room.free_places, &lost), "sem_getvalue");
  pdc::Child waiting([&] { enter_with_semaphore(room, next); });
  std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays other things to do
  pdc::mark("given back");
  sem_post(&room.free_places);  // by the parent, which has seen the death
  waiting.wait();
  pdc::posix(sem_getvalue(&room.free_places, &back), "sem_getvalue");
  return {lost, back};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"processes", 6, "that want to go in", {2, 64}}, {"places", 2, "inside", {1, 64}}});
  const int processes = program.integer("processes");
  const int places = std::min(program.integer("places"), processes);
  const pdc::Shared<Room> without(places, processes), with(places, processes), deadly(1, 1);

  program.scene("without the semaphore", enter_all, processes, *without, enter_without_semaphore);
  program.scene("with the semaphore", enter_all, processes, *with, enter_with_semaphore);
  const auto [lost, back] = program.scene("one is killed inside", kill_inside, *deadly);

  pdc::check(without->inside.most() == processes, "without it, all were inside at once",
             "{} for {} places", without->inside.most(), places);
  pdc::check(with->inside.most() == places, "with it, the places were all in use, and never more",
             "{} for {} places", with->inside.most(), places);
  pdc::check(lost == 0, "the place of one that was killed inside is not free", "{} of 1", lost);
  pdc::check(back == 1, "given back by the parent, it serves the next one", "{} of 1", back);
  return program.finish();
}
