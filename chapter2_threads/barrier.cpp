// Barrier: runners meet at the end of every leg before any may start the next.
//
// Concept   Some work goes in rounds, and a round needs all results of the one before. A barrier is
//           a line that opens only when everyone has arrived; its completion step runs once per
//           round, while everyone waits.
// Shows     std::barrier with a completion step, std::latch, std::jthread
// Python    threading.Barrier
// Run       barrier --threads 4 --legs 3
// You see   without the barrier a leg begins before the one before is over; with it none does, and
//           everyone waits for the slowest
// Next      event lets many wait for one moment; process_barrier does this between processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <atomic>
#include <barrier>
#include <chrono>
#include <latch>
#include <thread>
#include <vector>

namespace {

/// Counts who starts a leg while somebody has not finished the one before.
class Referee {
 public:
  Referee(int runners, int legs)
      : runners_(runners), finished_(static_cast<std::size_t>(legs) + 1) {
    finished_[0] = runners;
  }
  void sees_start(int leg) {
    if (finished(leg - 1) == runners_) return;
    ++early_;
    pdc::fault("early start");
  }
  void sees_finish(int leg) { ++finished(leg); }
  int early() const { return early_; }

 private:
  std::atomic<int>& finished(int leg) { return finished_[static_cast<std::size_t>(leg)]; }

  const int runners_;
  std::vector<std::atomic<int>> finished_;
  std::atomic<int> early_ = 0;
};

std::chrono::milliseconds leg_time(int runner, int leg) {
  return std::chrono::milliseconds(10 + 7 * ((5 * runner + 3 * leg) % 6));
}

/// Wrong on purpose: each runner begins its next leg at once.
int early_without_barrier(int runners, int legs) {
  Referee referee(runners, legs);
  std::latch second_leg_begun(1);
  {
    std::vector<std::jthread> race;
    for (int runner = 0; runner < runners; ++runner) {
      race.emplace_back([&, runner, lane = pdc::Lane("runner {}", runner)] {
        for (int leg = 1; leg <= legs; ++leg) {
          const auto work = lane.work("leg {}", leg);
          referee.sees_start(leg);
          if (runner == 0 && leg == 2) second_leg_begun.count_down();
          std::this_thread::sleep_for(leg_time(runner, leg));    // plays the running
          if (runner == 1 && leg == 1) second_leg_begun.wait();  // forced: 1 is still on leg 1
          referee.sees_finish(leg);
        }
      });
    }
  }  // ~jthread joins here
  return referee.early();
}

struct Meetings {
  int early, completions;
};

Meetings meet_at_barrier(int runners, int legs) {
  Referee referee(runners, legs);
  int completions = 0;
  std::barrier line(runners, [&]() noexcept {  // by one of them, while all wait: needs no lock
    ++completions;
    pdc::mark("all here");
  });
  {
    std::vector<std::jthread> race;
    for (int runner = 0; runner < runners; ++runner) {
      race.emplace_back([&, runner, lane = pdc::Lane("runner {}", runner)] {
        for (int leg = 1; leg <= legs; ++leg) {
          auto work = lane.work("leg {}", leg);
          referee.sees_start(leg);
          std::this_thread::sleep_for(leg_time(runner, leg));  // plays the running
          referee.sees_finish(leg);
          work.end();
          const auto wait = lane.wait("barrier");
          line.arrive_and_wait();
        }
      });
    }
  }
  return {referee.early(), completions};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv, {{"threads", 4, "runners", {2, 64}}, {"legs", 3, "legs of the race", {2, 20}}});
  const int runners = program.integer("threads");
  const int legs = program.integer("legs");

  const int early = program.scene("without the barrier", early_without_barrier, runners, legs);
  const Meetings met = program.scene("with the barrier", meet_at_barrier, runners, legs);

  pdc::check(early > 0, "without it, a leg began before the one before was over", "{} of {} starts",
             early, runners * legs);
  pdc::check(met.early == 0, "with it, no leg began before all had finished the one before",
             "{} of {} starts were early", met.early, runners * legs);
  pdc::check(met.completions == legs, "the completion step ran once per leg", "{} of {}",
             met.completions, legs);
  return program.finish();
}
