// Livelock: two threads give way to each other, again and again, and neither gets on.
//
// Concept   A thread that cannot have its second lock gives the first one back and tries again: that
//           cannot deadlock. But if the other does the same at the same time, both are busy and none
//           gets on. They have to be unlike: one pauses longer than the other, or both begin with the
//           same lock.
// Shows     std::mutex, std::unique_lock, std::try_to_lock, std::defer_lock, try_lock
// Python    threading.Lock, acquire(blocking=False)
// Run       livelock --rounds 12
// You see   in step, both give a lock back in 12 of 12 rounds, and nothing is moved; with a pause
//           for one of them, and in one order, both move
// Next      deadlock has threads that sleep for ever; starvation has one that waits while others go on

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <vector>

namespace {

struct Accounts {
  std::mutex lock_a, lock_b;
  int moved = 0;                    // guarded by both
  std::atomic<int> given_back = 0;  // times that a lock was taken in vain
  pdc::Meeting in_step{2};
};

/// Takes both locks or keeps none.
bool try_to_move(Accounts& accounts, std::mutex& first, std::mutex& second, const pdc::Lane& lane) {
  const std::unique_lock one(first, std::try_to_lock);
  const auto hold = one ? lane.hold("one") : lane.wait("round");
  accounts.in_step.meet();  // forced: each holds its first lock, if it can
  std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays what one lock is enough for
  std::unique_lock two(second, std::defer_lock);
  const bool has_both = one && two.try_lock();
  accounts.in_step.meet();  // forced: neither gives back before both have tried
  if (has_both) ++accounts.moved;
  if (one && !two) ++accounts.given_back;
  return has_both;
}  // ~unique_lock gives back what it holds

/// Lets the other try alone: here for a round, elsewhere for a time drawn at random.
void pause(Accounts& accounts, const pdc::Lane& lane) {
  const auto wait = lane.wait("pause");
  for (int part = 0; part < 3; ++part) accounts.in_step.meet();
}

using Way = bool (*)(Accounts&, int, int, const pdc::Lane&);

/// Right: thread 1 makes pauses, and thread 0 makes none.
bool pause_unlike(Accounts& accounts, int me, int rounds, const pdc::Lane& lane) {
  std::mutex& first = me == 0 ? accounts.lock_a : accounts.lock_b;
  std::mutex& second = me == 0 ? accounts.lock_b : accounts.lock_a;
  for (int round = 0; round < rounds; ++round) {
    if (try_to_move(accounts, first, second, lane)) return true;
    accounts.in_step.meet();
    if (me == 1) pause(accounts, lane);
  }
  return false;
}

/// Right: whoever has lock a finds that nobody holds lock b.
bool begin_with_the_same(Accounts& accounts, int /*me*/, int rounds, const pdc::Lane& lane) {
  for (int round = 0; round < rounds; ++round) {
    if (try_to_move(accounts, accounts.lock_a, accounts.lock_b, lane)) return true;
    accounts.in_step.meet();
  }
  return false;
}

/// Wrong on purpose: both do the same at the same time.
bool try_again_at_once(Accounts& accounts, int me, int rounds, const pdc::Lane& lane) {
  std::mutex& first = me == 0 ? accounts.lock_a : accounts.lock_b;
  std::mutex& second = me == 0 ? accounts.lock_b : accounts.lock_a;
  for (int round = 0; round < rounds; ++round) {
    if (try_to_move(accounts, first, second, lane)) return true;
    if (round == 0) pdc::fault("both give way");
    accounts.in_step.meet();  // forced: they come back together
  }
  return false;
}

struct Seen {
  int moved, say_so, given_back;
};

Seen move(Way try_often, int rounds) {
  Accounts accounts;
  std::atomic<int> say_so = 0;  // that they have moved
  {
    std::vector<std::jthread> threads;
    for (int me = 0; me < 2; ++me) {
      threads.emplace_back([&, me, lane = pdc::Lane("thread {}", me)] {
        if (try_often(accounts, me, rounds, lane)) ++say_so;
      });
    }
  }  // ~jthread joins here
  return {accounts.moved, say_so, accounts.given_back};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 12, "rounds, then they give up", {4, 200}}});
  const int rounds = program.integer("rounds");

  const Seen alike = program.scene("both alike", move, try_again_at_once, rounds);
  const Seen paused = program.scene("a pause for one of them", move, pause_unlike, rounds);
  const Seen ordered = program.scene("both begin with lock a", move, begin_with_the_same, rounds);

  pdc::check(alike.given_back == 2 * rounds,
             "alike, each thread takes a lock and gives it back in every round", "{} of {}",
             alike.given_back, 2 * rounds);
  pdc::check(alike.moved == 0 && alike.say_so == 0, "alike, neither moves anything", "{} of 2",
             alike.moved);
  pdc::check(paused.moved == 2 && paused.say_so == 2, "with a pause for one of them, both move",
             "{} of 2", paused.moved);
  pdc::check(paused.given_back == 2, "with a pause for one of them, each gives way once",
             "{} times", paused.given_back);
  pdc::check(ordered.moved == 2 && ordered.say_so == 2 && ordered.given_back == 0,
             "where both begin with the same lock, both move, and no lock is taken in vain",
             "{} of 2, {} in vain", ordered.moved, ordered.given_back);
  return program.finish();
}
