// Threads: start some, hand them their arguments, join them.
//
// Concept   A thread runs a function beside its caller; to join is to wait for its end. It gets
//           copies of its arguments; std::ref hands over the thing itself.
// Shows     std::jthread, std::ref, std::this_thread::get_id
// Python    threading.Thread
// Run       threads --threads 4
// You see   the parent doing the work, threads in a row, and threads at the same time
// Next      thread_results gets something back from them; multi_threading shares work out

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <thread>
#include <vector>

namespace {

struct Team {
  Team(int threads, int at_once) : size(threads), worked(threads), together(at_once) {}

  const int size;
  std::vector<std::thread::id> worked;  // which thread did the work of each
  pdc::Meeting together;                // of those who can be at work at once
  pdc::Gauge at_work;
};

int work(Team& team, int number, const pdc::Lane& lane) {
  const auto busy = lane.work("works");
  const auto counted = team.at_work.visit();
  team.together.meet();  // forced: nobody is done before all are at work
  std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays the work
  team.worked[number] = std::this_thread::get_id();  // a place for each, so this needs no lock
  return number;                                     // which a thread drops
}

void start_all_then_join(Team& team) {
  std::vector<std::jthread> started;
  for (int i = 0; i < team.size; ++i)
    started.emplace_back(work, std::ref(team), i, pdc::Lane("thread {}", i));
}  // ~jthread joins each

/// Wrong on purpose: the parent makes the argument, so it is the parent that works.
void call_instead_of_start(Team& team) {
  const auto do_the_rest = [](int /*number*/) {};
  const pdc::Lane parent("parent");
  std::vector<std::jthread> started;
  for (int i = 0; i < team.size; ++i) started.emplace_back(do_the_rest, work(team, i, parent));
}

/// Wrong on purpose: nothing is started while one is waited for.
void join_in_loop(Team& team) {
  for (int i = 0; i < team.size; ++i) {
    const std::jthread one(work, std::ref(team), i, pdc::Lane("thread {}", i));
  }  // ~jthread joins here, before the next one starts
}

struct Seen {
  int most;  // at work at once
  std::ptrdiff_t by_parent, by_nobody;
};

Seen watch(void (*start)(Team&), int threads, int at_once) {
  Team team(threads, at_once);
  start(team);
  return {team.at_work.most(), std::ranges::count(team.worked, std::this_thread::get_id()),
          std::ranges::count(team.worked, std::thread::id())};
}

/// What a thread runs may have a state of its own.
struct Counter {
  void operator()() { ++count; }
  int count = 0;
};

struct Counts {
  int copied, referred;
};

Counts count_in_threads() {
  Counter copied, referred;
  {
    const std::jthread one(copied);  // wrong on purpose: it counts in a copy of its own
    const std::jthread other(std::ref(referred));
  }  // ~jthread joins here: until then what is referred to has to live
  return {copied.count, referred.count};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads to start", {2, 64}}});
  const int n = program.integer("threads");

  const Seen called = program.scene("called, not started", watch, call_instead_of_start, n, 1);
  const Seen joined = program.scene("joined in the loop", watch, join_in_loop, n, 1);
  const Seen started = program.scene("all started, then joined", watch, start_all_then_join, n, n);
  const auto [copied, referred] = count_in_threads();

  pdc::check(called.by_parent == n, "what is called instead of started runs in the parent",
             "{} of {}", called.by_parent, n);
  pdc::check(joined.most == 1, "joined in the loop, one thread is at work at a time", "{} of {}",
             joined.most, n);
  pdc::check(started.most == n, "all started first, all threads are at work at once", "{} of {}",
             started.most, n);
  pdc::check(started.by_parent + started.by_nobody == 0,
             "all started first, each thread has done its own work when the scope has ended",
             "{} of {}", n - started.by_parent - started.by_nobody, n);
  pdc::check(copied == 0, "what a thread does to the copy that it gets, nobody else sees", "{}",
             copied);
  pdc::check(referred == 1, "what a thread does to what it gets by std::ref, its parent sees", "{}",
             referred);
  return program.finish();
}
