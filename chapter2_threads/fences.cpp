// Fences: an order between accesses that have none of their own.
//
// Concept   A fence orders the accesses of its thread that stand around it. What was done before a
//           release fence is seen after an acquire fence, if a store behind the one is seen before
//           the other. Fences with seq_cst come one after the other as well: who is at a later one
//           sees all that was seen before an earlier one. Acquire loads alone do not promise that.
// Shows     std::atomic_thread_fence, std::memory_order_seq_cst, std::memory_order_release,
//           std::memory_order_acquire
// Run       fences --rounds 20000
// You see   with acquire, two readers can disagree about which store came first; with fences not
// Next      once needs release and acquire; hazard_pointer looks again after its store

// SPDX-License-Identifier: MIT
#include "memory_model.hpp"  // what C++ allows, and what happens here

#include "pdc/program.hpp"

#include <atomic>
#include <vector>

namespace {

/// For real; the model has one of its own.
void fence(const std::atomic<int>& /*any*/, std::memory_order order) {
  std::atomic_thread_fence(order);
}

// Independent reads of independent writes: two threads write a place each, and two others read
// both, in opposite orders.

constexpr auto put = [](auto& mine, auto& /*other*/, Loads& /*seen*/) {
  mine.store(1, std::memory_order_release);
};

/// Right: the reader whose fence comes later sees all that the other one saw before its own.
constexpr auto read_fenced = [](auto& mine, auto& other, Loads& seen) {
  seen[0] = mine.load(std::memory_order_relaxed);
  fence(mine, std::memory_order_seq_cst);
  seen[1] = other.load(std::memory_order_relaxed);
};

/// Wrong on purpose: the loads are in order, but a store may reach one reader later than the other.
constexpr auto read_acquire = [](auto& mine, auto& other, Loads& seen) {
  seen[0] = mine.load(std::memory_order_acquire);
  seen[1] = other.load(std::memory_order_acquire);
};

/// The same with two flags: of two fences one comes later, and its thread sees the other's store.
constexpr auto look_fenced = [](auto& mine, auto& other, Loads& seen) {
  mine.store(1, std::memory_order_relaxed);
  fence(mine, std::memory_order_seq_cst);
  seen[0] = other.load(std::memory_order_relaxed);
};

/// The same with a message: if ready was seen, what is before the first fence is seen after the second.
constexpr auto send_fenced = [](auto& message, auto& ready, Loads& /*seen*/) {
  message.store(1, std::memory_order_relaxed);
  fence(message, std::memory_order_release);
  ready.store(1, std::memory_order_relaxed);
};
constexpr auto receive_fenced = [](auto& ready, auto& message, Loads& seen) {
  seen[0] = ready.load(std::memory_order_relaxed);
  fence(message, std::memory_order_acquire);
  seen[1] = message.load(std::memory_order_relaxed);
};

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 20'000, "rounds of real threads", {1, 1'000'000}}});
  const int n = program.integer("rounds");
  const auto scene = [&](const char* title, const std::vector<Body>& threads, const Outcome& bad) {
    return program.scene(title, try_out, threads, bad, n);
  };
  const Outcome opposite{{}, {}, {1, 0}, {1, 0}}, unseen{{0}, {0}}, late{{}, {1, 0}};
  const Found apart =
      scene("two readers, acquire", {put, put, read_acquire, read_acquire}, opposite);
  const Found agreed = scene("two readers, fences", {put, put, read_fenced, read_fenced}, opposite);
  const Found seeing = scene("two flags, fences", {look_fenced, look_fenced}, unseen);
  const Found whole = scene("a message, fences", {send_fenced, receive_fenced}, late);

  const auto check = [](const Found& found, int expected, int all, const char* claim) {
    pdc::check(found.outcomes == expected && found.is_bad == (expected == all), claim,
               "{} of {} outcomes", found.outcomes, all);
  };
  check(apart, 16, 16, "with acquire, two readers can see two stores in opposite orders");
  check(agreed, 15, 16, "with a seq_cst fence between their loads, they cannot");
  check(seeing, 3, 4, "with one between store and load, a thread sees the other's flag");
  check(whole, 3, 4, "with a release and an acquire fence, no message is late");
  return program.finish();
}
