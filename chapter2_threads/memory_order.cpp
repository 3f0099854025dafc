// Memory order: in which order other threads see what a thread does.
//
// Concept   Compilers and processors change the order of a thread's accesses to memory where that
//           thread cannot tell. Others can. With relaxed, an access is atomic and in order with
//           others of the same place, and no more. A thread that reads by an acquire load what a
//           release store wrote sees everything that the writer had done before that store. Accesses
//           with seq_cst, the default, keep their order among themselves as well.
// Shows     std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
//           std::memory_order_seq_cst
// Run       memory_order --rounds 20000
// You see   in 6 of 24 orders both threads look too early, and in 6 of 24 the message is late; with
//           seq_cst, and with release and acquire, in none
// Next      once needs release and acquire; interleavings keeps to the order of the code

// SPDX-License-Identifier: MIT
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

using Loads = std::array<int, 2>;  // what was read, in the order of the code

// Both threads have two places, x and y, of std::atomic<int> or of the model. First, store
// buffering: each raises its flag, and then looks at the other's.

/// Right: seq_cst keeps the load behind the store.
constexpr auto look_seq_cst = [](auto& mine, auto& other, int& seen) {
  mine.store(1, std::memory_order_seq_cst);
  seen = other.load(std::memory_order_seq_cst);
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

struct Access {
  bool is_store;
  int place;  // 0 is x, 1 is y
  std::memory_order order;
};

/// The model's std::atomic<int>: it writes down what a thread asks of it.
struct Place {
  std::vector<Access>& code;
  int number;
  void store(int /*1*/, std::memory_order order) { code.push_back({true, number, order}); }
  int load(std::memory_order order) {
    code.push_back({false, number, order});
    return 0;  // what it sees is known only when an order is tried
  }
};

bool may_overtake(const Access& later, const Access& earlier) {
  constexpr auto seq_cst = std::memory_order_seq_cst, acquire = std::memory_order_acquire,
                 release = std::memory_order_release;
  if (later.place == earlier.place) return false;
  if (!earlier.is_store && (earlier.order == acquire || earlier.order == seq_cst)) return false;
  if (later.is_store && (later.order == release || later.order == seq_cst)) return false;
  return earlier.order != seq_cst || later.order != seq_cst;
}

struct Found {
  std::vector<Access> code = {};            // of one thread, then of the other, two accesses each
  int orders = 0, bad = 0, bad_rounds = 0;  // in the model; of real threads
  std::array<int, 4> example = {};          // the first bad order, or the last of all
};

/// Tries each order in which C++ lets the accesses take effect if all threads see the same one.
void try_all_orders(Found& found, const Loads& bad) {
  std::array order = {0, 1, 2, 3};
  do {
    const auto is_kept = [&](int first) {  // or need not be, of the two accesses of one thread
      return std::ranges::find(order, first) < std::ranges::find(order, first + 1) ||
             may_overtake(found.code[first + 1], found.code[first]);
    };
    if (!is_kept(0) || !is_kept(2)) continue;
    if (found.bad == 0) found.example = order;
    ++found.orders;
    std::array<int, 2> memory = {};
    std::array<int, 4> seen = {};
    for (const int number : order) {
      int& place = memory[found.code[number].place];
      if (found.code[number].is_store) place = 1;
      seen[number] = place;
    }
    std::vector<int> loads;
    for (int number = 0; number < 4; ++number)
      if (!found.code[number].is_store) loads.push_back(seen[number]);
    if (std::ranges::equal(loads, bad)) ++found.bad;
  } while (std::ranges::next_permutation(order).found);
}

/// The same code in the model and, that many times, by real threads.
Found try_out(const auto& first, const auto& second, const Loads& bad, int rounds) {
  Found found;
  Place x{found.code, 0}, y{found.code, 1};
  Loads unknown;
  first(x, y, unknown);
  second(x, y, unknown);
  try_all_orders(found, bad);

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
  found.bad_rounds = static_cast<int>(std::ranges::count(all, bad, &Round::seen));
  return found;
}

/// One order of the model, slowly: a bad one if there is one.
void play(const Found& found, const std::string& fault) {
  const std::array lanes{pdc::Lane("thread 0"), pdc::Lane("thread 1")};
  for (const int number : found.example) {
    const Access& access = found.code[number];
    const auto work =
        lanes[number / 2].work("{} {}", access.is_store ? "set" : "see", "xy"[access.place]);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a slow access
  }
  if (found.bad > 0) pdc::fault(fault);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 20'000, "rounds of real threads", {1, 1'000'000}}});
  const int n = program.integer("rounds");

  const auto look_both = [=](auto look) {
    return try_out([=](auto& x, auto& y, Loads& seen) { look(x, y, seen[0]); },
                   [=](auto& x, auto& y, Loads& seen) { look(y, x, seen[1]); }, Loads{0, 0}, n);
  };
  const Loads late{1, 0};  // ready, and no message
  const Found blind = look_both(look_relaxed), seeing = look_both(look_seq_cst);
  const Found torn = try_out(send_relaxed, receive_relaxed, late, n);
  const Found whole = try_out(send_release, receive_acquire, late, n);
  program.scene("two flags, relaxed", play, blind, "both see 0");
  program.scene("two flags, seq_cst", play, seeing, "both see 0");
  program.scene("a message, relaxed", play, torn, "ready, but no message");
  program.scene("a message, release and acquire", play, whole, "ready, but no message");
  pdc::say("real threads, {} rounds: both see 0 in {} with relaxed, in {} with seq_cst", n,
           blind.bad_rounds, seeing.bad_rounds);
  pdc::say("the message is late in {} with relaxed, in {} with release and acquire",
           torn.bad_rounds, whole.bad_rounds);

  const auto check = [](const Found& found, int orders, int bad, const std::string& claim) {
    pdc::check(found.orders == orders && found.bad == bad, claim, "{} of {} orders", found.bad,
               found.orders);
  };
  check(blind, 24, 6, "with relaxed, both threads can miss the other's flag");  // 4! orders
  check(seeing, 6, 0, "with seq_cst, one at least sees the other's flag");      // 4! / 2! / 2!
  check(torn, 24, 6, "with relaxed, a message can come later than the word that it is there");
  check(whole, 6, 0, "with release and acquire, it never does");
  return program.finish();
}
