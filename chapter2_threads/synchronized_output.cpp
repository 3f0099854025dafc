// Synchronized output: lines that several threads write in pieces, and yet each line is whole.
//
// Concept   `out << a << b << c` is three calls, and what another thread writes between two of them
//           stands in the middle of the line. A std::osyncstream collects what it is given, and
//           hands all of it over in one piece, under a lock, when its life ends.
// Shows     std::osyncstream, std::ostream, std::stringbuf
// Python    print, which writes a line and its end in two calls; logging, which has a lock
// Run       synchronized_output --threads 4
// You see   lines that stand in one another, then lines that are whole
// Next      lock has the idea: collect first, and be quick in the critical section

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <ostream>
#include <sstream>
#include <string>
#include <syncstream>
#include <thread>
#include <vector>

namespace {

/// What all write to, each thread with a stream of its own, and what can be read afterwards. No two
/// calls overlap here: the threads write in turn, or under the lock of std::osyncstream.
using Console = std::stringbuf;

std::int64_t count_primes(int thread) {
  return pdc::count_primes(1000 * thread, 1000 * (thread + 1));
}

/// Forced: the threads begin their lines in turn, and when all have begun, they end them in turn.
class Turns {
 public:
  explicit Turns(int threads) : threads_(threads), all_here_(threads) {}

  void take(int thread, const pdc::Lane& lane, const std::function<void()>& write) {
    for (int turn = 0; turn < threads_; ++turn) {
      auto wait = lane.wait("its turn");
      all_here_.meet();
      wait.end();
      if (turn == thread) write();
    }
  }

 private:
  const int threads_;
  pdc::Meeting all_here_;
};

void write_line(std::ostream& out, int thread, Turns& turns, const pdc::Lane& lane) {
  turns.take(thread, lane, [&] {
    const auto work = lane.work("begins");
    out << "thread " << thread;
  });
  turns.take(thread, lane, [&] {
    const auto work = lane.work("ends");
    out << " found " << count_primes(thread) << " primes\n";
  });
}

/// Wrong on purpose: each << goes to the console at once.
void write_in_pieces(Console& console, int thread, Turns& turns, const pdc::Lane& lane) {
  std::ostream out(&console);
  write_line(out, thread, turns, lane);
}

void write_in_one_piece(Console& console, int thread, Turns& turns, const pdc::Lane& lane) {
  std::osyncstream out(&console);
  write_line(out, thread, turns, lane);
}  // ~osyncstream hands the line over

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string whole_line(int thread) {
  return fmt::format("thread {} found {} primes", thread, count_primes(thread));
}

std::ptrdiff_t count_whole(const std::string& text, int threads) {
  std::ptrdiff_t whole = 0;
  for (int i = 0; i < threads; ++i) whole += std::ranges::count(lines_of(text), whole_line(i));
  return whole;
}

std::string write_all(int threads, decltype(write_in_pieces) write) {
  Console console;
  Turns turns(threads);
  std::vector<std::jthread> writers;
  for (int i = 0; i < threads; ++i) {
    writers.emplace_back(
        [&, i, lane = pdc::Lane("thread {}", i)] { write(console, i, turns, lane); });
  }
  writers.clear();  // joins
  if (count_whole(console.str(), threads) < threads) pdc::fault("lines torn");
  for (const std::string& line : lines_of(console.str())) pdc::say("  | {}", line);
  return console.str();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that write", {2, 16}}});
  const int threads = program.integer("threads");
  std::size_t size = 0;
  for (int i = 0; i < threads; ++i) size += whole_line(i).size() + 1;

  const auto pieces = program.scene("in pieces", write_all, threads, write_in_pieces);
  const auto whole = program.scene("in one piece", write_all, threads, write_in_one_piece);

  pdc::check(count_whole(pieces, threads) == 0, "written in pieces, no line is whole", "{} of {}",
             count_whole(pieces, threads), threads);
  pdc::check(count_whole(whole, threads) == threads,
             "through std::osyncstream, every line is whole", "{} of {}",
             count_whole(whole, threads), threads);
  pdc::check(pieces.size() == size && whole.size() == size, "no character is lost in either way",
             "{} and {} of {}", pieces.size(), whole.size(), size);
  return program.finish();
}
