// Hello: threads live in their parent's process, child processes each in their own.
//
// Concept   A program can have workers of two kinds. Its threads share one process: one id, one
//           memory. A child process starts as a copy: it has an id of its own and memory of its
//           own, and what it writes there, its parent never sees. Wait for both.
// Shows     std::jthread, fork, getpid, _exit
// Python    threading.Thread, multiprocessing.Process
// Run       hello --workers 3
// You see   threads count to 3 in one process; each child is a process that counts to 1 (lines in
//           any order)
// Next      threads_vs_processes asks what each kind costs; lost_update what sharing can do to you

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <set>
#include <span>
#include <thread>
#include <vector>

namespace {

/// What a worker reports: the process it found itself in, and how many had greeted by then.
struct Card {
  pid_t process = 0;
  int greetings = 0;
};

void greet(std::atomic<int>& greetings, Card& card, const pdc::Lane& lane) {
  auto work = lane.work("hello");
  card = {getpid(), ++greetings};
  work.rename("number {} in process {}", card.greetings, card.process);
  pdc::say("hello number {} in process {}", card.greetings, card.process);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays what else it has to do
}

/// What the parent finds in the end.
struct Found {
  int greetings;          // on its counter
  int children_good = 0;  // those that it has waited for, and that had ended well
};

/// This function and the next start a worker for each card.
Found start_threads(std::span<Card> cards) {
  std::atomic<int> greetings = 0;
  {
    std::vector<std::jthread> threads;
    for (Card& card : cards) {
      const pdc::Lane lane("thread {}", threads.size());
      threads.emplace_back([&greetings, &card, lane] { greet(greetings, card, lane); });
    }
  }  // ~jthread joins here
  return {greetings};
}

Found start_processes(std::span<Card> cards) {
  std::atomic<int> greetings = 0;
  std::vector<pdc::Child> children;
  const pid_t parent = getpid();
  for (Card& card : cards) {
    const pdc::Lane lane("process {}", children.size());
    const pid_t child = pdc::posix(fork(), "fork");
    if (child == 0) {         // fork returns twice: this is the copy, and `greetings` is its own
      pdc::die_with(parent);  // killed when its parent ends, however that ends
      greet(greetings, card, lane);
      _exit(0);
    }
    children.emplace_back(child);  // and this is the original
  }
  int good = 0;
  for (pdc::Child& child : children) {
    if (child.wait().good()) ++good;  // status 0, and no signal
  }
  return {greetings, good};
}

/// The processes that the workers found themselves in.
std::set<pid_t> processes_of(std::span<const Card> cards) {
  std::set<pid_t> processes;
  for (const Card& card : cards) processes.insert(card.process);
  return processes;
}

/// How many workers were first at the counter that they saw.
long firsts(std::span<const Card> cards) {
  return std::ranges::count(cards, 1, &Card::greetings);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "threads, and as many processes", {1, 64}}});
  const int workers = program.integer("workers");
  using Table = std::array<Card, 64>;
  const pdc::Shared<Table> table_of_threads, table_of_children;  // children can write here, too
  const auto n = static_cast<std::size_t>(workers);
  const std::span threads = std::span(*table_of_threads).first(n);
  const std::span children = std::span(*table_of_children).first(n);

  const Found by_threads = program.scene("threads", start_threads, threads);
  const Found by_children = program.scene("child processes", start_processes, children);

  pdc::check(processes_of(threads) == std::set{getpid()},
             "every thread lives in its parent's process", "{} process for {} threads",
             processes_of(threads).size(), workers);
  pdc::check(by_threads.greetings == workers && firsts(threads) == 1,
             "the threads share one counter, and their parent reads it", "{} greetings",
             by_threads.greetings);
  const bool with_parent = processes_of(children).contains(getpid());
  pdc::check(processes_of(children).size() == n && !with_parent,
             "every child process is a process of its own", "{} processes for {} children",
             processes_of(children).size(), workers);
  pdc::check(by_children.greetings == 0 && firsts(children) == workers,
             "every child counts in a copy, and its parent's counter stays as it was",
             "{} greetings", by_children.greetings);
  pdc::check(by_children.children_good == workers,
             "the parent has waited for every child, and each had ended well", "{} of {}",
             by_children.children_good, workers);
  return program.finish();
}
