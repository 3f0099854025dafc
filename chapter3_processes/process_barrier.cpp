// Process barrier: processes meet at the end of every leg before any may start the next.
//
// Concept   A barrier in shared memory opens when as many processes have arrived as it was made
//           for, however late they were started. It counts arrivals and knows nobody: if one dies
//           on its way, all others wait for ever, unless somebody sees the death and ends them.
// Shows     pthread_barrierattr_setpshared, pthread_barrier_wait, sem_init, kill
// Python    multiprocessing.Barrier
// Run       process_barrier --processes 4 --legs 3
// You see   without it a leg begins too early, with it none does; a barrier that a death keeps shut
// Next      process_lock outlives its owner's death; barrier does it between threads

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

namespace {

/// In shared memory: the line, and how many have finished which leg.
struct Race {
  Race(int number, int all_legs) : runners(number), legs(all_legs) {
    pthread_barrierattr_t kind;
    pthread_barrierattr_init(&kind);
    pthread_barrierattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&line, &kind, runners);
    pdc::posix(sem_init(&two_legs_over, 1, 0), "sem_init");  // 1: between processes
    finished[0] = runners;
  }
  void run(int runner, std::size_t leg, const pdc::Lane& lane) {
    const auto work = lane.work("leg {}", leg);
    if (finished[leg - 1] < runners) ++early;
    const auto time = std::chrono::milliseconds(6 + 5 * ((5 * runner + 3 * leg) % 6));
    std::this_thread::sleep_for(time);  // plays the running
    ++finished[leg];
  }
  const int runners, legs;
  pthread_barrier_t line;
  sem_t two_legs_over;
  std::atomic<int> finished[21] = {};
  std::atomic<int> early = 0, crossings = 0, told = 0;  // told: one of them, whichever, each time
};

/// Wrong on purpose: everyone runs as he likes.
void run_freely(Race& race, int runner, const pdc::Lane& lane) {
  if (runner == 1) sem_wait(&race.two_legs_over);  // forced: 0 has run two legs before 1 begins
  for (int leg = 1; leg <= race.legs; ++leg) {
    race.run(runner, leg, lane);
    if (runner == 0 && leg == 2) sem_post(&race.two_legs_over);
  }
}

void run_with_barrier(Race& race, int runner, const pdc::Lane& lane) {
  for (int leg = 1; leg <= race.legs; ++leg) {
    race.run(runner, leg, lane);
    const auto wait = lane.wait("barrier");
    if (pthread_barrier_wait(&race.line) == PTHREAD_BARRIER_SERIAL_THREAD) ++race.told;
    ++race.crossings;
  }
}

void lose_runner(Race& race, int runner, const pdc::Lane& lane) {
  if (runner != 1) return run_with_barrier(race, runner, lane);
  race.run(runner, 1, lane);
  pdc::fault("killed");
  raise(SIGKILL);  // forced: it never arrives at the barrier
}

/// Waits for whoever ends next. A death ends all: they would wait for the dead one for ever.
std::vector<pdc::Exit> hold(Race& race, void (*run)(Race&, int, const pdc::Lane&)) {
  std::vector<pdc::Child> children;
  for (int runner = 0; runner < race.runners; ++runner) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays a late start
    children.emplace_back([&, lane = pdc::Lane("runner {}", runner)] { run(race, runner, lane); });
  }
  std::vector<pdc::Exit> ends(children.size());
  for (std::size_t i = 0; i < ends.size(); ++i) {
    const std::size_t who = pdc::next_to_end(children);
    ends[who] = children[who].wait();
    for (const pdc::Child& other : children)
      if (!ends[who].good() && other.pid() != 0) kill(other.pid(), SIGTERM);  // 0: it has ended
  }
  return ends;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"processes", 4, "runners", {2, 64}}, {"legs", 3, "legs of the race", {2, 20}}});
  const int runners = program.integer("processes"), legs = program.integer("legs");
  const pdc::Shared<Race> without(runners, legs), with(runners, legs), broken(runners, legs);

  auto ends = program.scene("without the barrier", hold, *without, run_freely);
  auto through = std::ranges::count_if(ends, &pdc::Exit::good);
  ends = program.scene("with the barrier", hold, *with, run_with_barrier);
  through += std::ranges::count_if(ends, &pdc::Exit::good);
  ends = program.scene("one is killed on its way", hold, *broken, lose_runner);
  const auto ended = std::ranges::count(ends, SIGTERM, &pdc::Exit::signal);

  pdc::check(through == 2 * runners, "all ran both races to the end", "{} runs", through);
  pdc::check(without->early > 0, "without it, a leg began before the one before was over",
             "{} of {} starts", without->early.load(), runners * legs);
  pdc::check(with->early == 0, "with it, none did", "{} starts", with->early.load());
  pdc::check(with->told == legs, "one runner was told of each crossing", "{}", with->told.load());
  pdc::check(ends[1].signal == SIGKILL && broken->crossings == 0,
             "when one is killed on its way, the barrier stays shut", "{}", ends[1].text());
  pdc::check(ended == runners - 1, "the parent saw the death and ended the others", "{}", ended);
  return program.finish();
}
