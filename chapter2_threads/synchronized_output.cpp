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
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <ostream>
#include <sstream>
#include <string>
#include <syncstream>
#include <thread>
#include <vector>

namespace {

/// What all write to, each thread with a stream of its own, and what can be read afterwards.
class Console : public std::stringbuf {
 public:
  explicit Console(int threads) : all_here(threads), threads_(threads) {}

  /// Forced: the threads begin their lines in turn, and when all have begun, they end them in turn.
  void take_turns(int thread, const pdc::Lane& lane, const std::function<void()>& write) {
    for (int turn = 0; turn < threads_; ++turn) {
      auto wait = lane.wait("its turn");
      all_here.meet();
      wait.end();
      if (turn == thread) write();
    }
  }
  pdc::Meeting all_here;
  std::atomic<bool> at_once = false;  // they hand over at the same moment, and not in turn
  pdc::Gauge writing;

 protected:
  std::streamsize xsputn(const char* text, std::streamsize size) override {
    const auto visit = writing.visit();
    if (at_once) all_here.meet();         // forced: all write who can
    const std::scoped_lock lock(mutex_);  // so that two at once are wrong, and not undefined
    return std::stringbuf::xsputn(text, size);
  }

 private:
  const int threads_;
  std::mutex mutex_;
};

std::int64_t count_primes(int thread) {
  return pdc::count_primes(1000 * thread, 1000 * (thread + 1));
}

void write_line(std::ostream& out, Console& console, int thread, const pdc::Lane& lane) {
  console.take_turns(thread, lane, [&] {
    const auto work = lane.work("begins");
    out << "thread " << thread;
  });
  console.take_turns(thread, lane, [&] {
    const auto work = lane.work("ends");
    out << " found " << count_primes(thread) << " primes\n";
  });
}

/// Wrong on purpose: each << goes to the console at once.
void write_in_pieces(Console& console, int thread, const pdc::Lane& lane) {
  std::ostream out(&console);
  write_line(out, console, thread, lane);
}

void write_in_one_piece(Console& console, int thread, const pdc::Lane& lane) {
  auto out = std::make_unique<std::osyncstream>(&console);
  write_line(*out, console, thread, lane);
  console.all_here.meet();
  console.at_once = true;
  const auto wait = console.all_here.wait_outside(lane, "hands over");
  out.reset();  // ~osyncstream hands the line over
}

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

struct Written {
  std::string text;
  int most_at_once;
};

Written write_all(int threads, decltype(write_in_pieces) write) {
  Console console(threads);
  std::vector<std::jthread> writers;
  for (int i = 0; i < threads; ++i) {
    writers.emplace_back([&, i, lane = pdc::Lane("thread {}", i)] { write(console, i, lane); });
  }
  writers.clear();  // joins
  if (count_whole(console.str(), threads) < threads) pdc::fault("lines torn");
  for (const std::string& line : lines_of(console.str())) pdc::say("  | {}", line);
  return {console.str(), console.writing.most()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that write", {2, 16}}});
  const int threads = program.integer("threads");
  std::size_t size = 0;
  for (int i = 0; i < threads; ++i) size += whole_line(i).size() + 1;

  const std::string pieces = program.scene("in pieces", write_all, threads, write_in_pieces).text;
  const auto [whole, most] = program.scene("in one piece", write_all, threads, write_in_one_piece);

  pdc::check(count_whole(pieces, threads) == 0, "written in pieces, no line is whole", "{} of {}",
             count_whole(pieces, threads), threads);
  pdc::check(count_whole(whole, threads) == threads,
             "through std::osyncstream, every line is whole", "{} of {}",
             count_whole(whole, threads), threads);
  pdc::check(most == 1, "handed over at the same moment, the lines go out one at a time",
             "{} of {} at once", most, threads);
  pdc::check(pieces.size() == size && whole.size() == size, "no character is lost in either way",
             "{} and {} of {}", pieces.size(), whole.size(), size);
  return program.finish();
}
