// Process barrier: processes meet at the end of every leg before any may start the next.
//
// Concept   A barrier in shared memory opens when as many processes have arrived as it was made
//           for, however late they come. It counts arrivals and knows nobody: if one dies on its
//           way, all others wait for ever, unless somebody sees the death and ends them.
// Shows     pthread_barrierattr_setpshared, pthread_barrier_wait, kill
// Python    multiprocessing.Barrier
// Run       process_barrier --processes 4 --legs 3
// You see   without it legs begin too early, with it none does; a barrier that a death keeps shut
// Next      process_lock outlives its owner's death; barrier does it between threads

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <system_error>
#include <thread>
#include <vector>

namespace {

/// Has to lie in memory that the processes share. Never destroyed: pthread_barrier_destroy waits
/// for all who are in there, even for those who were killed in there.
class Barrier {
 public:
  explicit Barrier(int processes) {
    pthread_barrierattr_t kind;
    pthread_barrierattr_init(&kind);
    pthread_barrierattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    const int error = pthread_barrier_init(&line_, &kind, static_cast<unsigned>(processes));
    if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_barrier_init");
  }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  /// Returns true to one of those who cross together, whichever it is.
  bool wait() { return pthread_barrier_wait(&line_) == PTHREAD_BARRIER_SERIAL_THREAD; }

 private:
  pthread_barrier_t line_;
};

/// In shared memory.
struct Race {
  Race(int number, int all_legs) : runners(number), legs(all_legs), line(number), late(number) {
    finished[0] = number;
  }
  void run(int runner, std::size_t leg, const pdc::Lane& lane) {
    const auto work = lane.work("leg {}", leg);
    if (finished[leg - 1] < runners) {
      ++early;
      pdc::fault("early start");
    }
    if (leg == 2) late.leave();
    const auto time = std::chrono::milliseconds(6 + 5 * ((5 * runner + 3 * leg) % 6));
    std::this_thread::sleep_for(time);  // plays the running
    ++finished[leg];
  }
  const int runners, legs;
  Barrier line;
  pdc::Meeting late;  // over when all others are on their second leg, or sleep at the barrier
  std::array<std::atomic<int>, 21> finished = {};  // so many have finished this leg
  std::atomic<int> early = 0, crossings = 0, told = 0;
};

/// Wrong on purpose: nobody waits for the others.
void run_freely(Race& race, int runner, const pdc::Lane& lane) {
  if (runner == 1) race.late.meet();  // forced: it begins when the others begin their second leg
  for (int leg = 1; leg <= race.legs; ++leg) race.run(runner, leg, lane);
}

void run_with_barrier(Race& race, int runner, const pdc::Lane& lane) {
  if (runner == 1) race.late.meet();  // forced here, too: they do, if the barrier lets them
  for (int leg = 1; leg <= race.legs; ++leg) {
    race.run(runner, leg, lane);
    const auto wait = race.late.wait_outside(lane, "barrier");
    if (race.line.wait()) ++race.told;
    ++race.crossings;
  }
}

void lose_runner(Race& race, int runner, const pdc::Lane& lane) {
  if (runner == 1) {
    race.run(runner, 1, lane);
    pdc::fault("killed");
    raise(SIGKILL);  // forced: it never arrives at the barrier
  }
  run_with_barrier(race, runner, lane);
}

/// Waits for whichever ends next. A death ends all: they would wait for the dead one for ever.
std::vector<pdc::Exit> hold(Race& race, void (*run)(Race&, int, const pdc::Lane&)) {
  std::vector<pdc::Child> children;
  for (int runner = 0; runner < race.runners; ++runner)
    children.emplace_back([&, lane = pdc::Lane("runner {}", runner)] { run(race, runner, lane); });
  std::vector<pdc::Exit> ends(children.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::size_t who = pdc::next_to_end(children);
    ends[who] = children[who].wait();
    if (ends[who].good()) continue;
    race.late.meet();  // forced, in the place of the dead one: all others sleep at the barrier
    for (const pdc::Child& other : children)
      if (other.pid() != 0) kill(other.pid(), SIGTERM);  // 0: it has ended, and was waited for
  }
  return ends;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"processes", 4, "runners", {2, 64}}, {"legs", 3, "legs of the race", {2, 20}}});
  const int runners = program.integer("processes"), legs = program.integer("legs");
  const pdc::Shared<Race> without(runners, legs), with(runners, legs), broken(runners, legs);

  program.scene("without the barrier", hold, *without, run_freely);
  program.scene("with the barrier", hold, *with, run_with_barrier);
  const auto ends = program.scene("one is killed on its way", hold, *broken, lose_runner);
  const auto ended = std::ranges::count(ends, SIGTERM, &pdc::Exit::signal);

  pdc::check(without->early >= runners - 1,
             "without the barrier, all others begin the second leg before the last began the first",
             "{} of {} starts were early", without->early.load(), runners * legs);
  pdc::check(with->early == 0,
             "with the barrier, no leg begins before all have finished the one before",
             "{} of {} starts were early", with->early.load(), runners * legs);
  pdc::check(with->crossings == runners * legs && with->told == legs,
             "every runner crosses the barrier after every leg, and one of them is told",
             "{} crossings, {} told", with->crossings.load(), with->told.load());
  pdc::check(ends[1].signal == SIGKILL && broken->crossings == 0,
             "when a runner is killed on its way, no other one crosses the barrier", "{} crossings",
             broken->crossings.load());
  pdc::check(ended == runners - 1,
             "the parent sees the death, and ends all who wait at the barrier", "{} of {}", ended,
             runners - 1);
  return program.finish();
}
