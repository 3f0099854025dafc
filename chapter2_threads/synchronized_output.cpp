// Synchronized output: lines that several threads write in pieces, and yet each line is whole.
//
// Concept   `out << a << b << c` is three calls. Each is whole, but what another thread writes in
//           between stands in the middle of the line. A std::osyncstream collects what it is given,
//           and hands all of it over in one piece when its life ends.
// Shows     std::osyncstream, std::streambuf, std::mutex
// Python    print, which writes a line and its end in two calls; logging, which has a lock
// Run       synchronized_output --threads 4
// You see   lines that stand in one another, then lines that are whole
// Next      lock has the idea: collect first, and be quick in the critical section

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <mutex>
#include <ostream>
#include <sstream>
#include <streambuf>
#include <string>
#include <syncstream>
#include <thread>
#include <vector>

namespace {

/// What all write to, each thread with a stream of its own: like that of std::cout, it may be called
/// by several threads at once, and keeps apart single calls, not lines.
class Console : public std::streambuf {
 public:
  const std::string& text() const { return text_; }

 protected:
  std::streamsize xsputn(const char* piece, std::streamsize size) override {
    const std::scoped_lock lock(mutex_);
    text_.append(piece, static_cast<std::size_t>(size));
    return size;
  }

 private:
  std::mutex mutex_;
  std::string text_;
};

std::int64_t count_primes(int thread) {
  return pdc::count_primes(1000 * thread, 1000 * (thread + 1));
}

void write_line(std::ostream& out, int thread, pdc::Meeting& in_the_middle, const pdc::Lane& lane) {
  auto begin = lane.work("begins its line");
  out << "thread " << thread;
  begin.end();
  auto wait = lane.wait("the others");
  in_the_middle.meet();  // forced: all have begun a line, and none has ended it
  wait.end();
  const auto end = lane.work("ends it");
  out << " found " << count_primes(thread) << " primes\n";
}

/// Wrong on purpose: each << goes to the console at once.
void write_in_pieces(Console& console, int thread, pdc::Meeting& meeting, const pdc::Lane& lane) {
  std::ostream out(&console);
  write_line(out, thread, meeting, lane);
}

void write_in_one_piece(Console& console, int thread, pdc::Meeting& meeting,
                        const pdc::Lane& lane) {
  std::osyncstream out(&console);
  write_line(out, thread, meeting, lane);
}  // ~osyncstream hands the line over

using Lines = std::vector<std::string>;

/// In alphabetical order.
Lines lines_of(const std::string& text) {
  std::istringstream in(text);
  Lines lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::ranges::sort(lines);
  return lines;
}

/// What each thread has to say, whole.
std::string whole_lines(int threads) {
  std::string text;
  for (int i = 0; i < threads; ++i)
    text += fmt::format("thread {} found {} primes\n", i, count_primes(i));
  return text;
}

std::string write_all(int threads, decltype(write_in_pieces) write) {
  Console console;
  pdc::Meeting in_the_middle(threads);
  std::vector<std::jthread> writers;
  for (int i = 0; i < threads; ++i) {
    writers.emplace_back(
        [&, i, lane = pdc::Lane("thread {}", i)] { write(console, i, in_the_middle, lane); });
  }
  writers.clear();  // joins
  if (lines_of(console.text()) != lines_of(whole_lines(threads))) pdc::fault("lines torn");
  std::istringstream in(console.text());
  for (std::string line; std::getline(in, line);) pdc::say("  | {}", line);
  return console.text();
}

/// How many of the lines that are expected stand in the text.
std::ptrdiff_t count_whole(const std::string& text, int threads) {
  Lines whole;
  std::ranges::set_intersection(lines_of(text), lines_of(whole_lines(threads)),
                                std::back_inserter(whole));
  return std::ssize(whole);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that write", {2, 16}}});
  const int threads = program.integer("threads");
  const std::size_t size = whole_lines(threads).size();

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
