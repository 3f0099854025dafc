// Lock free stack: what compare-exchange does not see, and a count that lets it see.
//
// Concept   Treiber's stack is a list with an atomic head. A thread that pops looks at the head and
//           at the node below, and makes that the head if the old one is still there. But "there
//           again" is not "untouched": others may have popped it, pushed something, and pushed it
//           back (the ABA problem). A count that changes with every exchange tells the two apart.
// Shows     std::atomic, compare_exchange_weak, is_always_lock_free
// Run       lock_free_stack
// You see   a node that is popped and pushed back while another thread is about to pop it: without
//           the count two other nodes are lost, with it none
// Next      atomics has compare-exchange on a number; interleavings tries all orders

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <thread>
#include <vector>

namespace {

/// A node is a place in a pool that is never freed, so that a thread that comes too late may look at
/// it. Place 0 stands for none.
using Node = std::uint32_t;
constexpr Node none = 0;

using Gap = std::function<void()>;  // what happens between the look and the exchange

/// Right: a count, in the same eight bytes, changes with every exchange.
struct CountedHead {
  Node top = none;
  std::uint32_t changes = 0;
  CountedHead with(Node new_top) const { return {new_top, changes + 1}; }
};

/// Wrong on purpose: a node that was taken off and put back looks untouched.
struct PlainHead {
  Node top = none;
  PlainHead with(Node new_top) const { return {new_top}; }
};

template <class Head>
class Stack {
 public:
  explicit Stack(Node nodes) : below_(std::size_t{nodes} + 1) {}

  void push(Node node, const Gap& in_gap) {
    Head seen = head_;
    bool is_done = false;
    while (!is_done) {
      below_[node] = seen.top;
      in_gap();
      is_done = head_.compare_exchange_weak(seen, seen.with(node));
    }  // not done: now `seen` is the head that stands there
  }

  Node pop(const Gap& in_gap) {
    Head seen = head_;
    bool is_done = false;
    while (!is_done && seen.top != none) {
      const Node next = below_[seen.top];
      in_gap();
      is_done = head_.compare_exchange_weak(seen, seen.with(next));
    }
    return seen.top;
  }

 private:
  static_assert(std::atomic<Head>::is_always_lock_free);
  static_assert(std::atomic<Node>::is_always_lock_free);
  std::atomic<Head> head_ = Head{};
  std::vector<std::atomic<Node>> below_;  // atomic: a thread that comes too late still looks
};

void do_nothing() {}

/// In the first gap another thread comes in between, and does this.
Gap interrupt_once(const pdc::Lane& slow, const Gap& intrusion, int& gaps) {
  return [=, &slow, &gaps] {
    ++gaps;
    if (gaps > 1) return;
    const auto wait = slow.wait("interrupted");
    std::jthread{intrusion};  // forced; ~jthread joins here
  };
}

struct Seen {
  int once = 0, lost = 0;  // nodes that were popped once, and never
  int looks = 0;           // at the head, for the pop that is interrupted
};

/// While one thread pops node 1, another pops it, pushes 3 and 4, and pushes 1 again. While the one
/// then pushes 5, the other pushes 6.
template <class Head>
Seen pop_and_push() {
  constexpr Node nodes = 6;
  Stack<Head> stack(nodes);
  for (const Node node : {2, 1}) stack.push(node, do_nothing);
  Seen seen;
  const pdc::Lane slow("slow"), quick("quick");
  const Gap push_back = [&] {
    const auto work = quick.work("pops 1, pushes 3, 4 and 1");
    const Node mine = stack.pop(do_nothing);
    for (const Node node : {Node{3}, Node{4}, mine}) stack.push(node, do_nothing);
  };
  auto pop = slow.work("pops 1");
  std::vector<Node> popped = {stack.pop(interrupt_once(slow, push_back, seen.looks))};
  pop.end();
  const Gap push_as_well = [&] {
    const auto work = quick.work("pushes 6");
    stack.push(6, do_nothing);
  };
  int gaps = 0;
  auto push = slow.work("pushes 5");
  stack.push(5, interrupt_once(slow, push_as_well, gaps));
  push.end();
  const auto drain = slow.work("pops all");
  for (Node node = stack.pop(do_nothing); node != none; node = stack.pop(do_nothing))
    popped.push_back(node);
  for (Node node = 1; node <= nodes; ++node) {
    const auto times = std::ranges::count(popped, node);
    if (times == 1) ++seen.once;
    if (times == 0) ++seen.lost;
  }
  if (seen.lost > 0) pdc::fault("node lost");
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const Seen plain = program.scene("an index alone", pop_and_push<PlainHead>);
  const Seen counted = program.scene("an index and a count", pop_and_push<CountedHead>);

  pdc::check(plain.lost == 2, "without the count, nodes are lost when another comes back",
             "{} of 6 lost", plain.lost);
  pdc::check(counted.lost == 0 && counted.once == 6,
             "with the count, each node is popped once, even if one comes back", "{} of 6 lost",
             counted.lost);
  pdc::check(counted.looks >= 2, "with the count, the thread looks again at a node that came back",
             "{} looks", counted.looks);
  return program.finish();
}
