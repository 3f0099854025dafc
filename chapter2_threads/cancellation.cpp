// Cancellation: the first thread that finds what all look for stops the others, awake or asleep.
//
// Concept   A stop source asks all who have a token of it, at once. A thread at work looks at the
//           token between two pieces. A thread that sleeps cannot look, so it has to be woken: its
//           wait takes the token, or a callback wakes it when the stop is requested.
// Shows     std::stop_source, request_stop, std::stop_callback, std::condition_variable_any
// Python    threading.Event
// Run       cancellation --searchers 4 --pieces 6
// You see   if nobody is told, 20 of 24 pieces are searched, and two threads sleep on; asked to
//           stop, the searchers have begun 8, and both sleepers wake
// Next      condition has the wait without a token; tasks cancels the coroutines that have lost

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <semaphore>
#include <stop_token>
#include <thread>
#include <vector>

namespace {

/// Awake, a thread looks where it can stop: between two pieces.
bool search_pieces(int pieces, const std::function<bool(int)>& is_in, const std::stop_token& stop) {
  for (int piece = 0; piece < pieces; ++piece) {
    if (stop.stop_requested()) return false;
    if (is_in(piece)) return true;
  }
  return false;
}

/// What two threads sleep for, and nobody brings as long as the search goes on.
struct Supplies {
  std::mutex mutex;  // guards has_file
  bool has_file = false;
  std::condition_variable_any changed;
  std::counting_semaphore<> free_places{0};

  void bring() {
    const std::scoped_lock lock(mutex);
    has_file = true;
    changed.notify_all();
    free_places.release();
  }
};

/// Asleep: this wait takes a token, and ends when a stop is requested. False: there is no file.
bool wait_for_file(Supplies& supplies, const std::stop_token& stop) {
  std::unique_lock lock(supplies.mutex);
  return supplies.changed.wait(lock, stop, [&] { return supplies.has_file; });
}

/// Asleep in a wait that takes no token: the callback gives it what it waits for.
bool wait_for_place(Supplies& supplies, const std::stop_token& stop) {
  const std::stop_callback wake(stop, [&] { supplies.free_places.release(); });
  supplies.free_places.acquire();
  return !stop.stop_requested();  // false: it may be the callback's
}

void stop_all(std::stop_source& source) {
  source.request_stop();  // calls the callbacks, too, before it returns
}

/// Wrong on purpose: the finder alone knows that it is over.
void tell_nobody(std::stop_source& /*source*/) {}

constexpr int found_in = 1;  // searcher 0 finds it in the second of its pieces

struct Hall {
  explicit Hall(int searchers) : bad_moment(searchers + 2) {}
  pdc::Meeting bad_moment;  // of the searchers; the sleepers stay outside
  std::atomic<int> begun = 0;
};

bool search_piece(Hall& hall, int searcher, int piece) {
  ++hall.begun;
  if (piece == found_in) hall.bad_moment.meet();              // forced: all are at work, or sleep
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the search in this piece
  if (searcher == 0) return piece == found_in;
  if (piece == found_in) hall.bad_moment.meet();  // forced: on only when the finder has ended
  return false;
}

struct Seen {
  int begun, finders, supplies;
  bool by_token, by_callback;  // woken
};

Seen search(void (*tell)(std::stop_source&), int searchers, int pieces) {
  Hall hall(searchers);
  std::stop_source source;
  Supplies supplies;
  std::atomic<bool> by_token = false, by_callback = false;
  std::atomic<int> finders = 0, got = 0;
  std::vector<std::jthread> searching, asleep;
  for (int i = 0; i < searchers; ++i) {
    searching.emplace_back([&, i, pieces, lane = pdc::Lane("searcher {}", i)] {
      const auto is_in = [&](int piece) {
        const auto work = lane.work("piece {}", piece);
        return search_piece(hall, i, piece);
      };
      if (!search_pieces(pieces, is_in, source.get_token())) return;
      if (++finders == 1) pdc::mark("found");
      tell(source);
    });
  }
  const auto sleep = [&](auto wait_for, std::atomic<bool>& woke, const pdc::Lane& lane) {
    const auto wait = hall.bad_moment.wait_outside(lane, "a supply");
    if (wait_for(supplies, source.get_token())) ++got;
    woke = true;
  };
  asleep.emplace_back(sleep, wait_for_file, std::ref(by_token), pdc::Lane("loader"));
  asleep.emplace_back(sleep, wait_for_place, std::ref(by_callback), pdc::Lane("saver"));
  searching.clear();  // joins; by then each sleeper has woken and ended, or sleeps on
  if (supplies.free_places.try_acquire()) ++got;  // one that was left
  const Seen seen{hall.begun, finders, got, by_token, by_callback};
  if (!seen.by_token || !seen.by_callback) pdc::fault("sleeps on");
  supplies.bring();  // or whoever sleeps on would never end
  return seen;
}  // ~jthread joins the sleepers

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"searchers", 4, "threads that search", {2, 64}},
                        {"pieces", 6, "pieces for each of them", {3, 100}}});
  const int searchers = program.integer("searchers"), pieces = program.integer("pieces");
  const Seen deaf = program.scene("nobody is told", search, tell_nobody, searchers, pieces);
  const Seen told = program.scene("all are asked to stop", search, stop_all, searchers, pieces);
  const int all = searchers * pieces, until_found = found_in + 1;
  pdc::check(deaf.begun == until_found + (searchers - 1) * pieces,
             "if nobody is told, the others search all their pieces", "{} of {}", deaf.begun, all);
  pdc::check(!deaf.by_token && !deaf.by_callback, "if nobody is told, both sleepers sleep on");
  pdc::check(told.begun == searchers * until_found,
             "asked to stop, no searcher begins another piece", "{} of {}", told.begun, all);
  pdc::check(told.finders == 1, "asked to stop, one searcher says that it has found it", "{} of {}",
             told.finders, searchers);
  pdc::check(told.by_token, "a stop wakes a thread whose wait takes the token");
  pdc::check(told.by_callback, "a stop callback wakes a thread whose wait takes no token");
  pdc::check(told.supplies == 0, "a stop brings no supplies, and both sleepers know it", "{} of 2",
             told.supplies);
  return program.finish();
}
