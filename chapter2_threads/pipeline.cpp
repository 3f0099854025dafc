// Pipeline: stages that work on several items at once, and still deliver them in order.
//
// Concept   Read, transform, write: while one item is written the next may be transformed. Stages
//           that need the order take one item at a time, in turn; the others take several at once.
//           An item needs a token to come in: a fixed number of them keeps a fast reader back.
// Shows     tbb::parallel_pipeline, tbb::make_filter, tbb::task_arena, std::latch
// Run       pipeline --threads 3 --tokens 4
// You see   without the pipeline the first word comes last, with it the sentence can be read
// Next      decomposition compares it with other ways to cut the work; flow_graph has branches;
//           queue joins two stages by hand; pipe joins processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <tbb/global_control.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <latch>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::array coded = {"znal", "unaqf", "znxr", "yvtug", "jbex", "naq",   "bar",
                              "cnve", "bs",    "rlrf", "xrrcf", "gur",  "beqre", "fgvyy"};
constexpr std::string_view plain =
    "many hands make light work and one pair of eyes keeps the order still";

/// The code ROT13: each letter stands for the one thirteen places on, from z back to a.
std::string decode(std::string word) {
  for (char& c : word) c = static_cast<char>('a' + (c - 'a' + 13) % 26);
  return word;
}

std::string decode_slowly(std::size_t item) {
  std::this_thread::sleep_for(std::chrono::milliseconds(item % 4 == 0 ? 12 : 3));  // plays work
  return decode(coded[item]);
}

void append(std::string& sentence, const std::string& word) {
  if (!sentence.empty()) sentence += ' ';
  sentence += word;
}

/// Wrong on purpose: a thread for each word, and each writes as soon as it is ready.
std::string write_when_ready() {
  std::string sentence;
  std::mutex mutex;
  std::latch others_written(coded.size() - 1);
  {
    std::vector<std::jthread> threads;
    for (std::size_t item = 0; item < coded.size(); ++item) {
      threads.emplace_back([&, item, lane = pdc::Lane("thread {}", item)] {
        auto work = lane.work("decodes {}", item);
        const std::string word = decode_slowly(item);
        if (item == 0) others_written.wait();  // forced: the first is ready last
        work.end();
        const std::scoped_lock lock(mutex);
        const auto write = lane.send("writes {}", item);
        append(sentence, word);
        if (item != 0) others_written.count_down();
      });
    }
  }  // ~jthread joins here
  pdc::say("{}", sentence);
  return sentence;
}

struct Item {
  std::size_t number;
  std::string word;
};

std::string write_in_order(int threads, int tokens) {
  std::string sentence;
  std::size_t next = 0;
  std::vector<pdc::Lane> lanes;
  for (int i = 0; i < threads; ++i) lanes.push_back(pdc::Lane("thread {}", i));
  const auto lane = [&] {
    return lanes[static_cast<std::size_t>(tbb::this_task_arena::current_thread_index())];
  };

  const auto read = [&](tbb::flow_control& control) -> Item {  // one at a time: needs no lock
    if (next == coded.size()) {
      control.stop();
      return {};
    }
    const auto span = lane().receive("reads {}", next);
    return {next++, ""};
  };
  // As many as there are tokens left.
  const std::size_t others = std::min(static_cast<std::size_t>(tokens), coded.size()) - 1;
  std::latch others_decoded(others);
  const auto transform = [&](Item item) {
    const auto work = lane().work("decodes {}", item.number);
    item.word = decode_slowly(item.number);
    if (item.number == 0) others_decoded.wait();  // forced: the first is ready last, here too
    if (item.number != 0 && item.number <= others) others_decoded.count_down();
    return item;
  };
  const auto write = [&](const Item& item) {
    const auto span = lane().send("writes {}", item.number);
    append(sentence, item.word);
  };
  const tbb::global_control allowed(
      tbb::global_control::max_allowed_parallelism,
      static_cast<std::size_t>(threads));  // also more than there are cores
  tbb::task_arena arena(threads);
  arena.execute([&] {
    using tbb::filter_mode;
    tbb::parallel_pipeline(static_cast<std::size_t>(tokens),
                           tbb::make_filter<void, Item>(filter_mode::serial_in_order, read) &
                               tbb::make_filter<Item, Item>(filter_mode::parallel, transform) &
                               tbb::make_filter<Item, void>(filter_mode::serial_in_order, write));
  });
  pdc::say("{}", sentence);
  return sentence;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"threads", 3, "threads in the pipeline", {2, 64}},
                        {"tokens", 4, "items on the way at once, at most", {1, 64}}});
  const int threads = program.integer("threads");
  const int tokens = program.integer("tokens");

  const std::string without = program.scene("without the pipeline", write_when_ready);
  const std::string with = program.scene("with the pipeline", write_in_order, threads, tokens);

  const bool first_is_last = without.size() == plain.size() && without.ends_with(" many");
  pdc::check(first_is_last, "without the pipeline, the first word comes last");
  pdc::check(with == plain, "with the pipeline, all words come in order", "{} words", coded.size());
  return program.finish();
}
