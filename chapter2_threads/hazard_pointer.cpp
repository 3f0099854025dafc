// Hazard pointer: when may a node be freed, if others may still look at it?
//
// Concept   A thread that takes a node out of a lock-free structure cannot free it: another thread
//           may have loaded the pointer just before. So each thread shows in a slot what it looks at,
//           and checks that the pointer is still in its place. A thread that frees first reads all
//           slots, and keeps any node that stands in one (Maged Michael, "Hazard Pointers", 2004).
// Shows     std::atomic, exchange
// Run       hazard_pointer --slots 4
// You see   a look at a freed node, then none; and never more nodes kept back than slots
// Next      read_write_lock keeps readers out instead; lock_free_stack never frees a node

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct Node {
  void free() { ++frees; }  // plays `delete`: the node stays in its pool, so a look does no harm
  std::atomic<int> frees = 0;
};
using Pointer = std::atomic<Node*>;
using Slots = std::vector<Pointer>;  // what is looked at, for all to see
using Gap = std::function<void()>;   // what others do between two steps

/// Keeps a node from being freed, from its construction to its end. One at a time for each slot.
class Guard {
 public:
  Guard(Pointer& slot, const Pointer& source, const Gap& in_gap) : slot_(slot) {
    do {
      node_ = source.load();
      in_gap();
      slot_ = node_;  // first all can see it, and only then this thread looks again:
      in_gap();
    } while (source.load() != node_);  // if it is still there, nobody has taken it out unseen
  }
  Guard(const Guard&) = delete;
  ~Guard() { slot_ = nullptr; }
  Node* operator->() const { return node_; }

 private:
  Pointer& slot_;
  Node* node_ = nullptr;
};

/// Wrong on purpose: nobody can see that this thread still looks.
struct NoGuard {
  NoGuard(Pointer&, const Pointer& source, const Gap& in_gap) : node(source) { in_gap(); }
  Node* operator->() const { return node; }
  Node* const node;
};

/// What a thread has taken out and not freed yet; each thread that takes out has one of its own.
class Retired {
 public:
  explicit Retired(const Slots& slots) : slots_(slots) {}
  Retired(const Retired&) = delete;
  ~Retired() { std::ranges::for_each(nodes_, &Node::free); }  // no reader is left
  void add(Node* node) {
    nodes_.push_back(node);
    const auto is_seen = [&](Node* n) { return std::count(slots_.begin(), slots_.end(), n) > 0; };
    const auto unseen = std::ranges::partition(nodes_, is_seen);
    std::ranges::for_each(unseen, &Node::free);
    nodes_.erase(unseen.begin(), unseen.end());
  }

 private:
  const Slots& slots_;
  std::vector<Node*> nodes_;
};

/// The writer replaces the node in the gaps of a reader, and then guards a node with each slot. Returns
/// how often a node was freed before the reader's look, and how many were kept back after each step.
template <class AnyGuard>
std::pair<int, std::vector<int>> replace_in_gaps(int slot_count) {
  std::deque<Node> pool(1);
  int frees = 0;
  std::vector<int> kept;
  const auto count_kept = [&] {
    const auto freed = std::ranges::count_if(pool, [](const Node& n) { return n.frees == 1; });
    kept.push_back(static_cast<int>(std::ssize(pool) - 1 - freed));
  };
  {
    Pointer current = &pool.front();
    Slots slots(slot_count);
    Retired retired(slots);
    const auto replace = [&, lane = pdc::Lane("writer")](const Gap& in_gap = [] {}) {
      const auto work = lane.work("replaces");
      Node* const old = current.exchange(&pool.emplace_back());
      in_gap();
      retired.add(old);  // since the exchange, no reader finds it any more
      count_kept();
    };
    pdc::Meeting gap(2);
    const auto meet = [&gap](int times) {
      for (int i = 0; i < times; ++i) gap.meet();
    };
    std::jthread reader([&, lane = pdc::Lane("reader")] {
      const auto work = lane.work("looks");
      const AnyGuard node(slots.back(), current, [&] { meet(2); });  // into the gap, and out of it
      meet(2);
      frees = node->frees;
      if (frees > 0) pdc::fault("freed");
    });
    meet(1);
    replace();  // forced: the reader has loaded the pointer, and not shown it
    meet(6);
    replace();                  // forced: it has shown the new one, and not looked again
    replace([&] { meet(6); });  // forced: it is safe before the writer retires what it took out
    replace();                  // forced: it is safe, and looks only after this
    gap.leave();
    reader.join();
    replace();
    std::deque<Guard> guards;
    for (Pointer& slot : slots) {
      guards.emplace_back(slot, current, [] {});
      replace();
    }
  }  // ~Retired frees what is left
  count_kept();
  return {frees, kept};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"slots", 4, "nodes to guard at once", {2, 16}}});
  const int n = program.integer("slots");

  const int early = program.scene("without", replace_in_gaps<NoGuard>, n).first;
  const auto [early_with, kept] = program.scene("with hazard pointers", replace_in_gaps<Guard>, n);
  std::vector<int> shown{0, 1, 0, 1, 0};  // in slots, and taken out: the reader's, the writer's
  for (int i = 1; i <= n; ++i) shown.push_back(i);

  pdc::check(early == 1, "without a hazard pointer, the reader looks at a freed node");
  pdc::check(early_with == 0, "with a hazard pointer, the reader looks at no freed node");
  pdc::check(std::equal(shown.begin(), shown.end(), kept.begin()),
             "a retired node is kept back only while a slot shows it, so never more than slots",
             "at most {} nodes, {} slots", std::ranges::max(kept), n);
  pdc::check(kept.back() == 0, "in the end, each retired node has been freed, and once");
  return program.finish();
}
