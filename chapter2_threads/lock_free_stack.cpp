// Lock free stack: what compare-exchange does not see, and a count that lets it see.
//
// Concept   Treiber's stack is a list with an atomic head. A thread that pops looks at the head and
//           at the node below, and makes that the head if the old one is still there. But "there
//           again" is not "untouched": others may have popped it, pushed something, and pushed it
//           back (the ABA problem). A count that changes with every exchange tells the two apart.
// Shows     std::atomic, compare_exchange_weak, is_always_lock_free
// Run       lock_free_stack --threads 4
// You see   a node that is popped and pushed back while another thread is about to pop it: without
//           the count two other nodes are lost, with it none
// Next      atomics has compare-exchange on a number; interleavings tries all orders

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <latch>
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

struct Seen {
  int once = 0, lost = 0;  // nodes that were popped once, and never
  int looks = 0;           // at a head that others change before the exchange
};

void do_nothing() {}

/// Holds against each other which nodes there were, and which came out.
Seen judge(const std::vector<Node>& popped, Node nodes) {
  Seen seen;
  for (Node node = 1; node <= nodes; ++node) {
    const auto times = std::ranges::count(popped, node);
    if (times == 1) ++seen.once;
    if (times == 0) ++seen.lost;
  }
  if (seen.lost > 0) pdc::fault("node lost");
  return seen;
}

/// While one thread is about to pop node 1, another pops it, pushes 3 and 4, and pushes 1 again.
template <class Head>
Seen pop_and_push_back() {
  constexpr Node nodes = 4;
  Stack<Head> stack(nodes);
  for (const Node node : {2, 1}) stack.push(node, do_nothing);
  pdc::Meeting bad_moment(2);
  std::atomic<bool> is_back = false;
  int looks = 0;
  std::vector<Node> popped;
  const pdc::Lane slow("slow"), quick("quick");
  std::jthread other([&] {
    bad_moment.meet();  // forced: the slow one has seen 1, and 2 below it
    auto work = quick.work("pops 1, pushes 3, 4 and 1");
    const Node mine = stack.pop(do_nothing);
    for (const Node node : {Node{3}, Node{4}, mine}) stack.push(node, do_nothing);
    is_back = true;
    work.end();
    bad_moment.meet();  // forced: only now does the slow one exchange
  });
  auto work = slow.work("pops 1");
  popped.push_back(stack.pop([&] {
    const auto wait = slow.wait("interrupted");
    bad_moment.meet();
    bad_moment.meet();
    if (is_back) ++looks;
  }));
  work.end();
  other.join();
  const auto drain = slow.work("pops all");
  for (Node node = stack.pop(do_nothing); node != none; node = stack.pop(do_nothing))
    popped.push_back(node);
  Seen seen = judge(popped, nodes);
  seen.looks = looks;
  return seen;
}

/// Each thread pushes a node and pops one, and they all do it at the same time.
Seen push_and_pop(int threads) {
  const auto nodes = static_cast<Node>(threads);
  Stack<CountedHead> stack(nodes);
  pdc::Meeting bad_moment(threads);
  std::latch all_pushed(threads);
  std::atomic<int> looks = 0;
  std::vector<Node> popped(nodes);
  {
    std::vector<std::jthread> running;
    for (Node node = 1; node <= nodes; ++node) {
      running.emplace_back([&, node, lane = pdc::Lane("thread {}", node)] {
        const auto meet = [&] {
          ++looks;
          bad_moment.meet();  // forced: each has looked before one writes
        };
        auto work = lane.work("push");
        stack.push(node, meet);
        work.end();
        auto wait = bad_moment.wait_outside(lane, "the others");
        all_pushed.arrive_and_wait();
        wait.end();
        const auto next = lane.work("pop");
        popped[node - 1] = stack.pop([&] {
          if (all_pushed.try_wait()) meet();
        });
      });
    }
  }  // ~jthread joins here
  Seen seen = judge(popped, nodes);
  seen.looks = looks;
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads that push and pop", {2, 16}}});
  const int n = program.integer("threads");

  const Seen plain = program.scene("an index alone", pop_and_push_back<PlainHead>);
  const Seen counted = program.scene("an index and a count", pop_and_push_back<CountedHead>);
  const Seen all = program.scene("all at the same time", push_and_pop, n);

  pdc::check(plain.lost == 2 && plain.looks >= 1,
             "without the count, nodes are lost when another comes back", "{} of 4 lost",
             plain.lost);
  pdc::check(counted.lost == 0 && counted.once == 4,
             "with the count, each node is popped once, even if one comes back", "{} of 4 lost",
             counted.lost);
  pdc::check(counted.looks >= 2, "with the count, the thread looks again at a node that came back",
             "{} looks", counted.looks);
  pdc::check(all.once == n, "where all push and pop at the same time, each node is popped once",
             "{} of {}", all.once, n);
  pdc::check(all.looks >= n * (n + 1),
             "of those that have seen the same head, one succeeds, and the others look again",
             "{} looks, at least {}", all.looks, n * (n + 1));
  return program.finish();
}
