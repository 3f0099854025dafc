// Decomposition: one sentence decoded by data, by tasks and by a pipeline.
//
// Concept   Work can be cut by data: each worker does all that is to be done for some of the items.
//           It can be cut by tasks: each worker does one step for all items, and hands them on. As
//           a pipeline, any worker does the next step of any item. The result is the same. What
//           differs is how many items may have to be in memory at once.
// Shows     tbb::parallel_for, tbb::concurrent_bounded_queue, std::jthread, tbb::parallel_pipeline
// Python    concurrent.futures.Executor.map, queue.Queue
// Run       decomposition --tokens 4
// You see   the same sentence three times; all 14 words in memory at once, or 4
// Next      pipeline keeps the order; flow_graph has branches; queue ends when it is closed

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/concurrent_queue.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>

#include <chrono>
#include <latch>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

const std::string plain = "many hands make light work and one pair of eyes keeps the order still";
constexpr int words = 14, threads = 3;
constexpr auto me = tbb::this_task_arena::current_thread_index;

struct Word {
  int number = 0;
  std::string text = "";  // empty: there are no more
};

/// The three steps. Reading and writing are for one thread at a time.
struct Job {
  Word read(int who = me()) {
    const auto span = lanes[who].receive("reads {}", next);
    Word word{next};
    if (!(coded >> word.text)) return word;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays a slow source
    in_memory.enter();
    if (next++ < at_once) to_read.count_down();
    return word;
  }

  /// The code ROT13: each letter stands for the one thirteen places on, from z back to a.
  Word decode(Word word, int who = me()) {
    const auto work = lanes[who].work("decodes {}", word.number);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays more work
    for (char& c : word.text) c = static_cast<char>('a' + (c - 'a' + 13) % 26);
    if (word.number == 0) to_read.wait();  // forced: it takes until so many words are in memory
    return word;
  }

  void write(const Word& word, int who = me()) {
    const auto span = lanes[who].send("writes {}", word.number);
    sentence += (word.number == 0 ? "" : " ") + word.text;
    in_memory.leave();
  }

  const int at_once;  // words in memory
  const std::vector<pdc::Lane> lanes;
  std::istringstream coded{"znal unaqf znxr yvtug jbex naq bar cnve bs rlrf xrrcf gur beqre fgvyy"};
  std::string sentence = "";
  int next = 0;
  std::latch to_read{at_once};
  pdc::Gauge in_memory = {};
};

/// By data: all words are read, then each thread decodes some of them, each in its own place.
void decode_by_data(Job& job) {
  std::vector<Word> all;
  for (Word word = job.read(); !word.text.empty(); word = job.read()) all.push_back(word);
  tbb::parallel_for(0, words, [&](int i) { all[i] = job.decode(all[i]); });
  for (const Word& word : all) job.write(word);
}

using Queue = tbb::concurrent_bounded_queue<Word>;  // which has no bound, unless it is set

Word take(Queue& queue) {
  Word word;
  queue.pop(word);  // waits for one
  return word;
}

/// By tasks: a thread for each step. Queues join them, and keep the order.
void decode_by_tasks(Job& job) {
  Queue to_decode, to_write;
  const std::jthread reading([&] {
    for (Word word = job.read(0); !word.text.empty(); word = job.read(0)) to_decode.push(word);
    to_decode.push(Word());
  });
  const std::jthread decoding([&] {
    for (Word word = take(to_decode); !word.text.empty(); word = take(to_decode))
      to_write.push(job.decode(word, 1));
    to_write.push(Word());
  });
  for (Word word = take(to_write); !word.text.empty(); word = take(to_write)) job.write(word, 2);
}  // ~jthread joins here

/// As a pipeline: any thread does the next step of any word. To come in, a word needs a token.
void decode_in_pipeline(Job& job) {
  const auto read = [&](tbb::flow_control& control) {
    Word word = job.read();
    if (word.text.empty()) control.stop();
    return word;
  };
  const auto decode = [&](const Word& word) { return job.decode(word); };
  const auto write = [&](const Word& word) { job.write(word); };
  tbb::parallel_pipeline(
      job.at_once, tbb::make_filter<void, Word>(tbb::filter_mode::serial_in_order, read) &
                       tbb::make_filter<Word, Word>(tbb::filter_mode::parallel, decode) &
                       tbb::make_filter<Word, void>(tbb::filter_mode::serial_in_order, write));
}

/// Returns the sentence, and how many words were in memory at once, at most.
std::pair<std::string, int> decode_all(void (*decode)(Job&), int at_once) {
  Job job{at_once, {pdc::Lane("thread 0"), pdc::Lane("thread 1"), pdc::Lane("thread 2")}};
  const tbb::global_control more_than_cores(tbb::global_control::max_allowed_parallelism, threads);
  tbb::task_arena(threads).execute([&] { decode(job); });
  return {job.sentence, job.in_memory.most()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"tokens", 4, "words in the pipeline at once", {1, words}}});
  const int tokens = program.integer("tokens");

  const auto [by_data, in_data] = program.scene("by data", decode_all, decode_by_data, words);
  const auto [by_tasks, in_tasks] = program.scene("by tasks", decode_all, decode_by_tasks, words);
  const auto [by_both, in_both] =
      program.scene("as a pipeline", decode_all, decode_in_pipeline, tokens);

  pdc::check(by_data == plain && by_tasks == plain && by_both == plain,
             "by data, by tasks and as a pipeline, the sentence is the same, and right");
  pdc::check(in_data == words && in_tasks == words,
             "by data and by tasks, all words are in memory at once", "{}, {}", in_data, in_tasks);
  pdc::check(in_both == tokens, "as a pipeline, as many words are in memory as there are tokens",
             "{} of {}", in_both, words);
  return program.finish();
}
