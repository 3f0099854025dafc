// Threads: start some, give them arguments, get results and an exception back, join.
//
// Concept   A thread runs a function beside its caller; to join is to wait for its end. A result
//           needs a place to be put, and an exception must be carried back.
// Shows     std::jthread, std::ref, std::current_exception, std::rethrow_exception
// Python    threading.Thread
// Run       threads --threads 4
// You see   the parent doing the work, threads in a row, and threads at the same time
// Next      multi_threading shares work out; futures carry results and exceptions for you

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Result {
  std::thread::id by = {};
  int sum = 0;
  std::exception_ptr error = nullptr;
};

struct Team {
  Team(int threads, int at_once) : size(threads), results(threads), together(at_once) {}

  const int size;
  std::vector<Result> results;  // a place for each thread, so this needs no lock
  pdc::Meeting together;        // of those who can be at work at once
  pdc::Gauge at_work;
};

Result add_up(Team& team, int last, const pdc::Lane& lane) {
  const auto work = lane.work("adds 1 to {}", last);
  const auto counted = team.at_work.visit();
  team.together.meet();  // forced: nobody is done before all are at work
  Result result{.by = std::this_thread::get_id()};
  std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays a longer sum
  try {
    if (last == 0) throw std::invalid_argument("nothing to add");
    for (int number = 1; number <= last; ++number) result.sum += number;
  } catch (...) {
    result.error = std::current_exception();  // to be thrown again by the parent
  }
  return result;
}

void keep(Result& place, const Result& result) {
  place = result;
}

void add_up_and_keep(Result& place, Team& team, int last, const pdc::Lane& lane) {
  place = add_up(team, last, lane);
}

/// Wrong on purpose: the parent makes the arguments, so it is the parent that adds up.
void call_instead_of_start(Team& team) {
  const pdc::Lane parent("parent");
  std::vector<std::jthread> started;
  for (int i = 0; i < team.size; ++i)
    started.emplace_back(keep, std::ref(team.results[i]), add_up(team, i, parent));
}  // ~jthread joins each

/// Wrong on purpose: nothing is started while one is waited for.
void join_in_loop(Team& team) {
  for (int i = 0; i < team.size; ++i) {
    const pdc::Lane lane("thread {}", i);
    const std::jthread one(add_up_and_keep, std::ref(team.results[i]), std::ref(team), i, lane);
  }  // ~jthread joins here, before the next one starts
}

void start_all_then_join(Team& team) {
  std::vector<std::jthread> started;
  for (int i = 0; i < team.size; ++i) {
    const pdc::Lane lane("thread {}", i);
    started.emplace_back(add_up_and_keep, std::ref(team.results[i]), std::ref(team), i, lane);
  }
}  // ~jthread joins each

struct Findings {
  int most, finished = 0, in_parent = 0, in_place = 0;
  std::string errors = {};
};

Findings meet(void (*start)(Team&), int threads, int at_once) {
  Team team(threads, at_once);
  start(team);
  Findings found{.most = team.at_work.most()};
  for (int i = 0; i < threads; ++i) {
    const Result& result = team.results[i];
    if (result.by != std::thread::id()) ++found.finished;
    if (result.by == std::this_thread::get_id()) ++found.in_parent;
    if (result.sum == i * (i + 1) / 2) ++found.in_place;
    try {
      if (result.error) std::rethrow_exception(result.error);
    } catch (const std::invalid_argument& error) {
      found.errors += fmt::format("thread {}: {}", i, error.what());
    }
  }
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads to start", {2, 64}}});
  const int n = program.integer("threads");

  const auto called = program.scene("called, not started", meet, call_instead_of_start, n, 1);
  const auto joined = program.scene("joined in the loop", meet, join_in_loop, n, 1);
  const auto started = program.scene("all started, then joined", meet, start_all_then_join, n, n);

  pdc::check(called.in_parent == n, "what is called instead of started runs in the parent", "{}",
             called.in_parent);
  pdc::check(joined.most == 1, "joined in the loop, one thread is at work at a time", "{}",
             joined.most);
  pdc::check(started.most == n, "all started first, all threads are at work at once", "{}",
             started.most);
  pdc::check(started.in_parent == 0, "all started first, the parent does none of the work", "{}",
             started.in_parent);
  pdc::check(started.finished == n, "at the end of the scope, every thread has finished",
             "{} of {}", started.finished, n);
  pdc::check(started.in_place == n, "each result is in its place", "{} of {}", started.in_place, n);
  pdc::check(started.errors == "thread 0: nothing to add", "the exception arrives in the parent",
             "{}", started.errors);
  return program.finish();
}
