// Task parallelism: different operations on the same data at once.
//
// Concept   Four questions about the same numbers do not need each other's answers, so each can be
//           a task of its own. The tasks only read what they share; the one that has to reorder the
//           numbers takes a copy. The longest task bounds the gain, however many threads there are.
// Shows     tbb::parallel_invoke, tbb::task_group
// Python    concurrent.futures: submit, then result
// Run       task_parallelism --numbers 400000
// You see   which tasks overlap, on which thread, and the same answers from all three ways
// Next      fibonacci has tasks that start tasks; data_parallelism shares out the elements instead

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/program.hpp"

#include <tbb/info.h>
#include <tbb/parallel_invoke.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

namespace {

using Numbers = std::vector<std::int64_t>;

/// Each task writes a member of its own, so no lock is needed.
struct Answers {
  double mean = 0;
  std::pair<std::int64_t, std::int64_t> extremes;
  std::array<std::int64_t, 10> histogram{};
  std::array<std::int64_t, 3> quartiles{};
};

void find_mean(const Numbers& numbers, Answers& answers) {
  const auto sum = std::accumulate(numbers.begin(), numbers.end(), std::int64_t{0});
  answers.mean = static_cast<double>(sum) / static_cast<double>(numbers.size());
}

void find_extremes(const Numbers& numbers, Answers& answers) {
  const auto [lowest, highest] = std::minmax_element(numbers.begin(), numbers.end());
  answers.extremes = {*lowest, *highest};
}

void count_histogram(const Numbers& numbers, Answers& answers) {
  const auto size = static_cast<std::int64_t>(numbers.size());
  for (const std::int64_t n : numbers) ++answers.histogram[static_cast<std::size_t>(10 * n / size)];
}

void find_quartiles(const Numbers& numbers, Answers& answers) {
  Numbers copy = numbers;  // nth_element moves them about while others read
  for (std::size_t i = 0; i < 3; ++i) {
    const auto place = static_cast<std::ptrdiff_t>((i + 1) * copy.size() / 4);
    std::nth_element(copy.begin(), copy.begin() + place, copy.end());
    answers.quartiles[i] = copy[static_cast<std::size_t>(place)];
  }
}

struct Question {
  const char* name;
  void (*answer)(const Numbers&, Answers&);
};
constexpr Question questions[] = {{"quartiles", find_quartiles},
                                  {"histogram", count_histogram},
                                  {"extremes", find_extremes},
                                  {"mean", find_mean}};  // the longest first

void ask(const Question& question, const Numbers& numbers, Answers& answers) {
  const int thread = std::max(0, tbb::this_task_arena::current_thread_index());
  const auto work = pdc::Lane("{}", question.name).work("thread {}", thread);
  question.answer(numbers, answers);
}

Answers ask_in_turn(const Numbers& numbers) {
  Answers answers;
  for (const Question& question : questions) ask(question, numbers, answers);
  return answers;
}

/// For tasks that are known when the program is written.
Answers ask_by_invoke(const Numbers& numbers) {
  Answers answers;
  tbb::parallel_invoke(
      [&] { ask(questions[0], numbers, answers); }, [&] { ask(questions[1], numbers, answers); },
      [&] { ask(questions[2], numbers, answers); }, [&] { ask(questions[3], numbers, answers); });
  return answers;  // complete: parallel_invoke waits for all
}

/// For tasks that turn up while it runs.
Answers ask_by_group(const Numbers& numbers) {
  Answers answers;
  tbb::task_group group;
  for (const Question& question : questions) group.run([&] { ask(question, numbers, answers); });
  group.wait();  // before this line no answer may be looked at
  return answers;
}

/// What the answers must be when the numbers are 0, 1, ..., size - 1 in any order.
Answers expected(std::int64_t size) {
  Answers answers{static_cast<double>(size - 1) / 2, {0, size - 1}, {}, {}};
  for (std::int64_t i = 0; i < 10; ++i)
    answers.histogram[i] = (size * (i + 1) + 9) / 10 - (size * i + 9) / 10;
  for (std::int64_t i = 0; i < 3; ++i) answers.quartiles[i] = (i + 1) * size / 4;
  return answers;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 400'000, "numbers asked about", {1, 4'000'000}}});
  Numbers numbers(static_cast<std::size_t>(program.integer("numbers")));
  std::iota(numbers.begin(), numbers.end(), 0);
  std::shuffle(numbers.begin(), numbers.end(), std::mt19937(1));

  const Answers ways[] = {program.scene("one after the other", ask_in_turn, numbers),
                          program.scene("with parallel_invoke", ask_by_invoke, numbers),
                          program.scene("with a task_group", ask_by_group, numbers)};
  const int workers = std::min<int>(std::size(questions), tbb::info::default_concurrency());
  pdc::say_speedup(program,
                   {{"in turn", 1, [&] { ask_in_turn(numbers); }},
                    {"invoke", workers, [&] { ask_by_invoke(numbers); }},
                    {"group", workers, [&] { ask_by_group(numbers); }}},
                   5);

  const Answers right = expected(std::ssize(numbers));
  const auto check = [&](const char* claim, auto part) {
    const auto agree = std::ranges::count(ways, right.*part, part);
    pdc::check(agree == std::ssize(ways), claim, "in {} of {} ways", agree, std::ssize(ways));
  };
  check("in all ways, the mean is that of the closed form", &Answers::mean);
  check("in all ways, the extremes are those of the closed form", &Answers::extremes);
  check("in all ways, each bar of the histogram is that of the closed form", &Answers::histogram);
  check("in all ways, the quartiles are those of the closed form", &Answers::quartiles);
  return program.finish();
}
