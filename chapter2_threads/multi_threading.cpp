// Multi threading: the sum of a list and the sum of two vectors, a thread for each.
//
// Concept   Two jobs that need nothing of each other may run at the same time. What both only read
//           they may share; what one writes is its own until it is joined. A clock cannot show
//           for certain that they ran together. A rendezvous can: none goes on before both are in.
// Shows     std::jthread, std::accumulate, std::transform
// Python    threading.Thread
// Run       multi_threading --numbers 1000000
// You see   one after the other, one job at a time; with two threads, both at once
// Next      parallel_reduce shares one sum out; do_something gives each job a process

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

namespace {

using Numbers = std::vector<std::int64_t>;

/// Where the jobs are done.
struct Place {
  pdc::Meeting together;  // of those who can be at work at once
  pdc::Gauge at_work = {};
};

void add_list(const Numbers& list, std::int64_t& sum, Place& place, const pdc::Lane& lane) {
  const auto work = lane.work("adds up the list");
  const auto counted = place.at_work.visit();
  place.together.meet();  // forced: nobody goes on before all are in
  sum = std::accumulate(list.begin(), list.end(), std::int64_t{0});
}

void add_vectors(const Numbers& a, const Numbers& b, Numbers& sums, Place& place,
                 const pdc::Lane& lane) {
  const auto work = lane.work("adds two vectors");
  const auto counted = place.at_work.visit();
  place.together.meet();
  std::transform(a.begin(), a.end(), b.begin(), sums.begin(), std::plus());
}

/// The answers, each in a place of its own, made by the parent beforehand.
struct Answers {
  explicit Answers(std::size_t numbers) : vector_sum(numbers) {}

  std::int64_t sum = 0;
  Numbers vector_sum;
  int at_once = 0;
};

Answers one_after_the_other(const Numbers& up, const Numbers& down) {
  const pdc::Lane parent("parent");
  Place place{pdc::Meeting(1)};
  Answers answers(up.size());
  add_list(up, answers.sum, place, parent);
  add_vectors(up, down, answers.vector_sum, place, parent);
  answers.at_once = place.at_work.most();
  return answers;
}

Answers both_at_once(const Numbers& up, const Numbers& down) {
  Place place{pdc::Meeting(2)};
  Answers answers(up.size());
  const pdc::Lane list("list"), vectors("vectors");
  {
    const std::jthread first([&] { add_list(up, answers.sum, place, list); });
    const std::jthread second([&] { add_vectors(up, down, answers.vector_sum, place, vectors); });
  }  // ~jthread joins here
  answers.at_once = place.at_work.most();
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"numbers", 1'000'000, "numbers in each list", {1, 5'000'000}}});
  const std::int64_t n = program.integer("numbers");
  Numbers up(static_cast<std::size_t>(n)), down(up.size());
  std::iota(up.begin(), up.end(), 1);        // 1, 2, ..., n
  std::iota(down.rbegin(), down.rend(), 1);  // n, ..., 2, 1

  const Answers serial = program.scene("one after the other", one_after_the_other, up, down);
  const Answers threads = program.scene("a thread for each", both_at_once, up, down);

  const std::int64_t sum = n * (n + 1) / 2;
  const Numbers each(up.size(), n + 1);
  pdc::check(serial.at_once == 1, "without threads, one job is at work at a time", "{} of 2",
             serial.at_once);
  pdc::check(threads.at_once == 2, "with a thread for each, both jobs are at work at once",
             "{} of 2", threads.at_once);
  pdc::check(serial.sum == sum && threads.sum == sum, "the sum of the list is n (n + 1) / 2",
             "{} and {}", serial.sum, threads.sum);
  pdc::check(serial.vector_sum == each && threads.vector_sum == each,
             "each sum of the two vectors is n + 1", "{} numbers", n);
  return program.finish();
}
