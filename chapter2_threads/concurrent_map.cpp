// Concurrent map: many threads fill one map, and each entry has a lock of its own.
//
// Concept   A map may lock each of its calls, and still lose counts: after a thread has looked a word
//           up, and before it writes the new count, others look the word up, too. An accessor comes
//           from one call, which finds the word or makes it, and keeps the word locked as long as
//           the accessor lives. All other words stay free.
// Shows     tbb::concurrent_hash_map, accessor, const_accessor
// Python    collections.Counter, with a threading.Lock
// Run       concurrent_map --threads 4
// You see   four threads count one word: in two calls 1 of 4 is left, with an accessor all 4
// Next      parallel_reduce shares nothing while it counts; manager is a map for processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <tbb/concurrent_hash_map.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

struct SameWord {
  static std::size_t hash(const std::string& word) { return std::hash<std::string>()(word); }
  static bool equal(const std::string& a, const std::string& b);  // for the evidence: see below
};
using Words = tbb::concurrent_hash_map<std::string, int, SameWord>;
using Moment = std::function<void()>;

/// Right: the word is found, or made with a 0, and nobody else gets it before the closing brace.
void count_with_accessor(Words& words, const std::string& word, const Moment& bad_moment) {
  Words::accessor entry;
  words.insert(entry, word);
  const int seen = entry->second;
  bad_moment();
  entry->second = seen + 1;
}

/// Wrong on purpose: both calls are safe, but between them the word belongs to nobody.
void count_in_two_calls(Words& words, const std::string& word, const Moment& bad_moment) {
  int seen = 0;
  if (Words::const_accessor entry; words.find(entry, word)) seen = entry->second;
  bad_moment();
  Words::accessor entry;
  words.insert(entry, word);
  if (entry->second != seen) pdc::fault("count lost");
  entry->second = seen + 1;
}

/// A thread that asks for the shared word. It has come when it has the word, or was refused it.
struct Comer {
  void come() {
    if (has_come) return;
    has_come = true;
    ++came;
    came.notify_all();
  }
  std::atomic<int>& came;  // how many have
  bool has_come = false;
  int looks = 0;
};
thread_local Comer* comer = nullptr;

/// In oneTBB 2021.8 no thread sleeps for a word: refused it, the thread looks the word up again.
bool SameWord::equal(const std::string& a, const std::string& b) {
  if (a != b) return false;
  if (comer != nullptr && ++comer->looks == 2) comer->come();
  return true;
}

void wait_for(const std::atomic<int>& came, int threads) {
  for (int now = came; now < threads; now = came) came.wait(now);
}

struct Seen {
  int words = 0, shared = 0;             // counted
  int with_shared = 0, with_others = 0;  // threads at once in the shared word, in different words
};

/// Thread i reads "page i": all read the word "page", and nobody else reads the word i.
Seen read_pages(decltype(count_with_accessor)* count, int threads) {
  Words words;
  std::atomic<int> came = 0;
  pdc::Meeting all_have_a_word(threads);
  pdc::Gauge with_shared, with_others;
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < threads; ++i) {
      readers.emplace_back([&, i, threads, lane = pdc::Lane("thread {}", i)] {
        auto wait = all_have_a_word.wait_outside(lane, "{}", i);
        count(words, std::to_string(i), [&] {
          wait.end();
          const auto work = lane.work("counts {}", i);
          const auto visit = with_others.visit();
          all_have_a_word.meet();
          std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a long update
        });
        all_have_a_word.leave();  // not before all others have met it, or are kept out
        auto turn = lane.wait("page");
        wait_for(came, i);  // one after another
        Comer me{came};
        comer = &me;
        count(words, "page", [&] {
          turn.end();
          const auto work = lane.work("counts page");
          const auto visit = with_shared.visit();
          me.come();
          wait_for(came, threads);  // forced: all others are here too, or were refused the word
          std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a long update
        });
      });
    }
  }  // ~jthread joins here
  Seen seen{.with_shared = with_shared.most(), .with_others = with_others.most()};
  for (const auto& [word, times] : words) {
    seen.words += times;
    if (word == "page") seen.shared = times;
  }
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads, each with a page", {2, 64}}});
  const int n = program.integer("threads");

  const Seen wrong = program.scene("in two calls", read_pages, count_in_two_calls, n);
  const Seen right = program.scene("with an accessor", read_pages, count_with_accessor, n);

  pdc::check(wrong.shared == 1, "counted in two calls, only one count of the shared word is left",
             "{} of {}", wrong.shared, n);
  pdc::check(right.shared == n, "with an accessor, the shared word is counted once by each thread",
             "{} of {}", right.shared, n);
  pdc::check(right.words == 2 * n, "with an accessor, every word is counted", "{} of {}",
             right.words, 2 * n);
  pdc::check(right.with_shared == 1, "with an accessor, one thread at a time has the shared word",
             "{} of {}", right.with_shared, n);
  pdc::check(right.with_others == n, "with accessors, all threads have different words at once",
             "{} of {}", right.with_others, n);
  return program.finish();
}
