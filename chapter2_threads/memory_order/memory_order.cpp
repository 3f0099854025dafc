// Memory order: in which order other threads see what a thread does.
//
// Concept   Compilers and processors change the order of a thread's accesses to memory where that
//           thread cannot tell. Others can. With relaxed, an access is atomic and in order with
//           others of the same place, and no more. A thread that reads by an acquire load what a
//           release store wrote sees everything that the writer had done before that store. Accesses
//           with seq_cst, the default, keep their order among themselves, and nothing passes a
//           seq_cst fence.
// Shows     std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
//           std::memory_order_seq_cst, std::atomic_thread_fence
// Run       memory_order --rounds 100000
// You see   in 6 of 24 orders both threads look too early, and in 6 of 24 the message is late; with
//           seq_cst or a fence, and with release and acquire, in none
// Next      once needs release and acquire; interleavings takes it for granted that each thread
//           keeps to the order of its code

// SPDX-License-Identifier: MIT
#include "model.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <latch>
#include <string>
#include <thread>
#include <vector>

namespace {

using model::Loads;

/// As the model has to see them, too.
void fence(auto& place, std::memory_order order) {
  if constexpr (requires { place.fence(order); }) {
    place.fence(order);
  } else {
    std::atomic_thread_fence(order);
  }
}

// What the threads do: real ones with std::atomic<int>, those of the model with Place. First, store
// buffering: each raises its flag, and then looks at the other's.

/// Right: seq_cst keeps the load behind the store.
constexpr auto look_seq_cst = [](auto& mine, auto& other, int& seen) {
  mine.store(1, std::memory_order_seq_cst);
  seen = other.load(std::memory_order_seq_cst);
};

/// Right: nothing passes the fence.
constexpr auto look_fenced = [](auto& mine, auto& other, int& seen) {
  mine.store(1, std::memory_order_relaxed);
  fence(mine, std::memory_order_seq_cst);
  seen = other.load(std::memory_order_relaxed);
};

/// Wrong on purpose: the load may be done before the store.
constexpr auto look_relaxed = [](auto& mine, auto& other, int& seen) {
  mine.store(1, std::memory_order_relaxed);
  seen = other.load(std::memory_order_relaxed);
};

// Second, message passing: a thread writes a message, and then says that it is there.

/// Right: a thread that sees `ready` sees all that was written before it.
constexpr auto send_release = [](auto& message, auto& ready, Loads& /*seen*/) {
  message.store(1, std::memory_order_relaxed);
  ready.store(1, std::memory_order_release);
};
constexpr auto receive_acquire = [](auto& message, auto& ready, Loads& seen) {
  seen[0] = ready.load(std::memory_order_acquire);
  seen[1] = message.load(std::memory_order_relaxed);
};

/// Wrong on purpose: the stores may change places, and so may the loads.
constexpr auto send_relaxed = [](auto& message, auto& ready, Loads& /*seen*/) {
  message.store(1, std::memory_order_relaxed);
  ready.store(1, std::memory_order_relaxed);
};
constexpr auto receive_relaxed = [](auto& message, auto& ready, Loads& seen) {
  seen[0] = ready.load(std::memory_order_relaxed);
  seen[1] = message.load(std::memory_order_relaxed);
};

struct Found {
  model::Tried orders;
  int bad_rounds;  // of real threads
};

/// The same code in the model and, that many rounds, by real threads.
Found try_out(const auto& first, const auto& second, const Loads& bad, int rounds) {
  struct Round {
    alignas(128) std::atomic<int> x = 0;  // apart, so that one can be seen before the other
    alignas(128) std::atomic<int> y = 0;
    Loads seen = {};
  };
  std::vector<Round> all(rounds);
  std::latch both_here(2);
  const auto play_rounds = [&](const auto& code) {
    both_here.arrive_and_wait();
    for (Round& round : all) code(round.x, round.y, round.seen);
  };
  {
    const std::jthread other([&] { play_rounds(first); });
    play_rounds(second);
  }  // ~jthread joins here
  const auto bad_rounds = std::ranges::count(all, bad, &Round::seen);
  return {model::try_all_orders(first, second, bad), static_cast<int>(bad_rounds)};
}

/// One order of the model, slowly: a bad one if there is one.
void play(const Found& found, const std::string& fault) {
  const std::array lanes{pdc::Lane("thread 0"), pdc::Lane("thread 1")};
  for (const int number : found.orders.example) {
    const model::Access& access = found.orders.code[number];
    const auto work = lanes[access.thread].work("{}", access.text);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a slow access
  }
  if (found.orders.bad > 0) pdc::fault(fault);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 100'000, "rounds of real threads", {1, 1'000'000}}});
  const int n = program.integer("rounds");

  const auto look_both = [=](auto look) {
    return try_out([=](auto& x, auto& y, Loads& seen) { look(x, y, seen[0]); },
                   [=](auto& x, auto& y, Loads& seen) { look(y, x, seen[1]); }, Loads{0, 0}, n);
  };
  const Loads late{1, 0};  // ready, and no message
  const Found blind = look_both(look_relaxed), seeing = look_both(look_seq_cst),
              fenced = look_both(look_fenced);
  const Found torn = try_out(send_relaxed, receive_relaxed, late, n);
  const Found whole = try_out(send_release, receive_acquire, late, n);
  program.scene("two flags, relaxed", play, blind, "both see 0");
  program.scene("two flags, seq_cst", play, seeing, "both see 0");
  program.scene("a message, relaxed", play, torn, "ready, but no message");
  program.scene("a message, release and acquire", play, whole, "ready, but no message");
  pdc::say(
      "real threads, {} rounds: both see 0 in {} with relaxed, in {} with seq_cst, in {} fenced", n,
      blind.bad_rounds, seeing.bad_rounds, fenced.bad_rounds);
  pdc::say("the message is late in {} with relaxed, in {} with release and acquire",
           torn.bad_rounds, whole.bad_rounds);

  const auto check = [](const Found& found, int orders, int bad, const std::string& claim) {
    pdc::check(found.orders.orders == orders && found.orders.bad == bad, claim, "{} of {} orders",
               found.orders.bad, found.orders.orders);
  };
  // The numbers of orders: 4!, 4! / 2! / 2!, and 6! / 3! / 3! with the fences.
  check(blind, 24, 6, "with relaxed, both threads can miss the other's flag");
  check(seeing, 6, 0, "with seq_cst, one at least sees the other's flag");
  check(fenced, 20, 0, "with a fence, one at least sees the other's flag");
  check(torn, 24, 6, "with relaxed, a message can come later than the word that it is there");
  check(whole, 6, 0, "with release and acquire, it never does");
  return program.finish();
}
