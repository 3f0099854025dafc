// Memory order: what another thread sees of what a thread does, and when.
//
// Concept   A thread sees its own accesses to memory in the order of its code. Another thread may
//           see old values for a while, of one place and not of another. With relaxed, an access is
//           atomic, and no more. A thread that sees, by an acquire load, what a release store wrote
//           sees all that was done before that store. seq_cst, the default, adds one order for all.
// Shows     std::memory_order_relaxed, std::memory_order_acquire, std::memory_order_release,
//           std::memory_order_seq_cst
// Run       memory_order --rounds 20000
// You see   with relaxed, a message can be late, and two threads can both look too early; else not
// Next      fences makes an order between accesses; once needs release and acquire

// SPDX-License-Identifier: MIT
#include "memory_model.hpp"  // what C++ allows, and what happens here

#include "pdc/program.hpp"

#include <atomic>
#include <vector>

namespace {

// First, publishing: a thread writes a message, and then says that it is there.

/// Right: a thread that sees `ready` sees all that was written before it.
constexpr auto send_release = [](auto& message, auto& ready, Loads& /*seen*/) {
  message.store(1, std::memory_order_relaxed);
  ready.store(1, std::memory_order_release);
};
constexpr auto receive_acquire = [](auto& ready, auto& message, Loads& seen) {
  seen[0] = ready.load(std::memory_order_acquire);
  seen[1] = message.load(std::memory_order_relaxed);
};

/// Wrong on purpose: nothing says that the message has to be seen as well.
constexpr auto send_relaxed = [](auto& message, auto& ready, Loads& /*seen*/) {
  message.store(1, std::memory_order_relaxed);
  ready.store(1, std::memory_order_relaxed);
};
constexpr auto receive_relaxed = [](auto& ready, auto& message, Loads& seen) {
  seen[0] = ready.load(std::memory_order_relaxed);
  seen[1] = message.load(std::memory_order_relaxed);
};

// Second, store buffering: each thread raises its flag, and then looks at the other's.

/// Right: of two such stores one comes first, and the other thread looks after that.
constexpr auto look_seq_cst = [](auto& mine, auto& other, Loads& seen) {
  mine.store(1, std::memory_order_seq_cst);
  seen[0] = other.load(std::memory_order_seq_cst);
};

/// Wrong on purpose: each may look before the other's store can be seen.
constexpr auto look_relaxed = [](auto& mine, auto& other, Loads& seen) {
  mine.store(1, std::memory_order_relaxed);
  seen[0] = other.load(std::memory_order_relaxed);
};

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 20'000, "rounds of real threads", {1, 1'000'000}}});
  const int n = program.integer("rounds");
  const auto scene = [&](const char* title, const std::vector<Body>& threads, const Outcome& bad) {
    return program.scene(title, try_out, threads, bad, n);
  };
  const Outcome late{{}, {1, 0}}, unseen{{0}, {0}};  // ready, and no message; neither flag
  const Found torn = scene("a message, relaxed", {send_relaxed, receive_relaxed}, late);
  const Found whole =
      scene("a message, release and acquire", {send_release, receive_acquire}, late);
  const Found blind = scene("two flags, relaxed", {look_relaxed, look_relaxed}, unseen);
  const Found seeing = scene("two flags, seq_cst", {look_seq_cst, look_seq_cst}, unseen);

  const auto check = [](const Found& found, bool is_bad, const char* claim) {
    const int expected = is_bad ? 4 : 3;  // of two loads: all, or all but the bad one
    pdc::check(found.is_bad == is_bad && found.outcomes == expected, claim, "{} of 4 outcomes",
               found.outcomes);
  };
  check(torn, true, "with relaxed, a message can come later than the word that it is there");
  check(whole, false, "with release and acquire, it never does");
  check(blind, true, "with relaxed, both threads can miss the other's flag");
  check(seeing, false, "with seq_cst, one at least sees the other's flag");
  return program.finish();
}
