// Thread results: how a thread gives back a result, or the exception that it met.
//
// Concept   A thread returns nothing, and an exception that leaves its function ends the whole
//           program. So each thread gets a place of its own, made before it starts: there it puts
//           its result, or the exception that it caught. Whoever joins it looks there afterwards.
// Shows     std::exception_ptr, std::current_exception, std::rethrow_exception, std::jthread
// Python    none: a thread's exception is printed, and its parent goes on
// Run       thread_results --threads 4
// You see   an exception that ends a process and takes all sums with it, and one that arrives
// Next      multi_threading shares work out; futures bring the place along, and the waiting

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <unistd.h>

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

int add_up(int last) {
  std::this_thread::sleep_for(std::chrono::milliseconds(8));  // plays a longer sum
  if (last == 0) throw std::invalid_argument("nothing to add");
  int sum = 0;
  for (int number = 1; number <= last; ++number) sum += number;
  return sum;
}

/// What a thread gives back: one or the other.
struct Result {
  int sum = 0;
  std::exception_ptr error = nullptr;
};

void add_up_and_keep(Result& place, int last) {
  try {
    place.sum = add_up(last);
  } catch (...) {
    place.error = std::current_exception();  // whatever it is: its type is kept, too
  }
}

/// Requires: the thread has been joined. Throws what it met, in the thread that asks.
int get(const Result& result) {
  if (result.error) std::rethrow_exception(result.error);
  return result.sum;
}

/// Wrong on purpose: what leaves the function of a thread can be caught nowhere.
void add_up_uncaught(Result& place, int last) {
  place.sum = add_up(last);
}

constexpr int terminated = 70;

/// Called by std::terminate in place of std::abort, which might leave a core file behind.
void end_process() {
  pdc::fault("std::terminate");
  _exit(terminated);
}

struct Seen {
  int sums = 0, errors = 0;  // that have arrived in the thread that asked
  pdc::Exit end = {};
};

Seen ask_threads(void (*run)(Result&, int), int threads) {
  std::vector<Result> results(threads);  // a place for each; it does not grow any more
  {
    std::vector<std::jthread> adding;
    for (int i = threads - 1; i >= 0; --i) {  // the last one to be started, 0, fails
      adding.emplace_back([=, &place = results[i], lane = pdc::Lane("thread {}", i)] {
        const auto work = lane.work("adds 1 to {}", i);
        if (i == 0) std::set_terminate(end_process);
        run(place, i);
      });
    }
  }  // ~jthread joins here
  Seen seen;
  for (int i = 0; i < threads; ++i) {
    try {
      if (get(results[i]) == i * (i + 1) / 2) ++seen.sums;
    } catch (const std::invalid_argument&) {
      ++seen.errors;
    }
  }
  return seen;
}

/// In a child process, so that this one can tell what became of it.
Seen ask_in_child(void (*run)(Result&, int), int threads) {
  const pdc::Shared<Seen> seen;
  pdc::Child child([&] { *seen = ask_threads(run, threads); });
  seen->end = child.wait();
  return *seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads to ask for a sum", {2, 64}}});
  const int n = program.integer("threads");

  const Seen without = program.scene("the exception escapes", ask_in_child, add_up_uncaught, n);
  const Seen with = program.scene("the exception is kept", ask_in_child, add_up_and_keep, n);

  pdc::check(without.end.status == terminated,
             "an exception that leaves a thread's function ends its process by std::terminate",
             "{}", without.end.text());
  pdc::check(without.sums == 0, "with the process go the sums of all other threads", "{} of {}",
             without.sums, n - 1);
  pdc::check(with.errors == 1, "an exception that is kept arrives in the thread that asks", "{}",
             with.errors);
  pdc::check(with.sums == n - 1,
             "where the exception is kept, the sum of every other thread arrives", "{} of {}",
             with.sums, n - 1);
  return program.finish();
}
