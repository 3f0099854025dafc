// Hazard pointer: when may a node be freed, if others may still look at it?
//
// Concept   A thread that takes a node out of a lock-free structure cannot free it: another thread
//           may have loaded the pointer just before. So each thread shows what it looks at in a slot,
//           and checks whether the pointer is still in its place. A thread that frees first reads all
//           slots, and keeps any node that stands in one (Maged Michael, "Hazard Pointers", 2004).
// Shows     std::atomic, exchange
// Run       hazard_pointer --readers 4
// You see   readers that look at a freed node, every time; then none, and never more nodes kept back
//           than there are slots
// Next      read_write_lock keeps readers out instead; lock_free_stack never frees a node

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <optional>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

struct Node {
  std::atomic<int> frees = 0;  // a look after the first finds a freed node
};

/// Plays `delete`. The node lives on in its pool, so that a look at it does no harm.
void free_node(Node* node) {
  ++node->frees;
}

/// What each thread looks at, for all to see.
using Slots = std::vector<std::atomic<Node*>>;
using Gap = std::function<void()>;  // what happens between two steps

/// Keeps a node from being freed, from its construction to its end. One at a time for each slot.
class Guard {
 public:
  Guard(std::atomic<Node*>& slot, const std::atomic<Node*>& source, const Gap& in_gap)
      : slot_(slot) {
    bool is_safe = false;
    while (!is_safe) {
      node_ = source.load();
      in_gap();
      slot_ = node_;  // first all can see it, and only then this thread looks again:
      in_gap();
      is_safe = node_ == source.load();  // still there, so nobody has taken it out unseen
    }
  }
  Guard(const Guard&) = delete;
  ~Guard() { slot_ = nullptr; }

  Node* operator->() const { return node_; }

 private:
  std::atomic<Node*>& slot_;
  Node* node_ = nullptr;
};

/// What a thread has taken out and not freed yet; each thread that takes out has one of its own.
class Retired {
 public:
  explicit Retired(const Slots& slots) : slots_(slots) {}
  Retired(const Retired&) = delete;
  ~Retired() { std::ranges::for_each(nodes_, free_node); }  // no reader is left

  void add(Node* node) {
    nodes_.push_back(node);
    free_unseen();
  }

 private:
  void free_unseen() {
    const std::vector<Node*> seen(slots_.begin(), slots_.end());
    const auto is_seen = [&](Node* node) { return std::ranges::find(seen, node) != seen.end(); };
    const auto unseen = std::ranges::partition(nodes_, is_seen);
    std::ranges::for_each(unseen, free_node);
    nodes_.erase(unseen.begin(), unseen.end());
  }

  const Slots& slots_;
  std::vector<Node*> nodes_;
};

struct Seen {
  int freed_looks = 0;    // looks at a freed node
  int freed = 0;          // nodes, once, at the end
  std::vector<int> kept;  // nodes that were retired and not freed, after each replacement
};

/// One pointer, which all look at and the writer replaces.
struct Stage {
  Stage(int readers, int nodes) : pool(nodes), slots(readers) { retired.emplace(slots); }

  std::vector<Node> pool;
  int used = 0;
  std::atomic<Node*> current = pool.data();
  Slots slots;
  std::optional<Retired> retired;
  std::atomic<int> freed_looks = 0;
  std::vector<int> kept;

  Guard guard(int me, const Gap& in_gap) { return Guard(slots[me], current, in_gap); }
  void replace(const Gap& in_gap) {
    ++used;
    in_gap();
    Node* const old = current.exchange(&pool[used]);
    in_gap();
    retired->add(old);
    kept.push_back(used - count_freed());
  }
  int count_freed() const {
    const auto is_freed_once = [](const Node& node) { return node.frees == 1; };
    return static_cast<int>(std::ranges::count_if(pool, is_freed_once));
  }
  Seen end() {
    retired.reset();  // ~Retired frees what is left
    return {freed_looks, count_freed(), kept};
  }
};

/// Right. Each of these returns whether the node was freed before the look.
bool look_with_guard(Stage& stage, int me, const Gap& in_gap) {
  const Guard node = stage.guard(me, in_gap);
  in_gap();  // forced: now that it is safe, it is replaced
  return node->frees > 0;
}

/// Wrong on purpose: nobody knows that this thread still looks.
bool look_without(Stage& stage, int, const Gap& in_gap) {
  Node* const node = stage.current;
  in_gap();
  return node->frees > 0;
}

/// All readers look, and the writer replaces the node at each bad moment of a look.
Seen replace_in_gaps(bool (*look)(Stage&, int, const Gap&), int readers) {
  Stage stage(readers, 4);
  pdc::Meeting bad_moment(readers + 1);
  const pdc::Lane writer("writer");
  std::vector<std::jthread> looking;
  for (int i = 0; i < readers; ++i) {
    looking.emplace_back([&, i, lane = pdc::Lane("reader {}", i)] {
      const auto work = lane.work("looks");
      const bool is_freed = look(stage, i, [&] {
        bad_moment.meet();  // forced: all are in this gap
        bad_moment.meet();
      });
      if (!is_freed) return;
      ++stage.freed_looks;
      pdc::fault("freed");
    });
  }
  // In the first try before the node is shown, in the second after it, in the third when it is safe.
  for (const bool is_bad : {true, false, false, true, false, false, true}) {
    bad_moment.meet();
    auto bar = is_bad ? writer.work("replaces") : writer.wait("the next gap");
    if (is_bad) stage.replace([] {});
    bar.end();
    bad_moment.meet();
  }
  looking.clear();  // ~jthread joins
  return stage.end();
}

/// A reader comes in every third gap of the writer, before or after the exchange, and keeps its node.
Seen come_in_gaps(int readers) {
  Stage stage(readers, 2 + 3 * readers);
  std::binary_semaphore holds(0);
  std::latch is_over(1);
  const pdc::Lane writer("writer");
  std::vector<std::jthread> looking;
  int gaps = 0;
  const auto let_in = [&] {
    const auto me = static_cast<int>(looking.size());
    ++gaps;
    if (gaps % 3 != 1 || me == readers) return;
    looking.emplace_back([&, me, lane = pdc::Lane("reader {}", me)] {
      const Guard node = stage.guard(me, [] {});
      const auto hold = lane.hold("its node");
      holds.release();
      is_over.wait();
      if (node->frees > 0) ++stage.freed_looks;
    });
    holds.acquire();  // forced: it holds its node, and the writer goes on
  };
  const auto work = writer.work("replaces {} nodes", 3 * readers + 1);
  for (int i = 0; i < 3 * readers; ++i) stage.replace(let_in);
  is_over.count_down();
  looking.clear();       // ~jthread joins
  stage.replace([] {});  // now all slots are empty
  return stage.end();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"readers", 4, "threads that look", {2, 16}}});
  const int n = program.integer("readers");

  const Seen without = program.scene("without", replace_in_gaps, look_without, n);
  const Seen with = program.scene("with hazard pointers", replace_in_gaps, look_with_guard, n);
  const Seen full = program.scene("readers in the gaps of the writer", come_in_gaps, n);
  const int most_kept = std::ranges::max(full.kept);

  pdc::check(without.freed_looks == n, "without hazard pointers, each reader looks at a freed node",
             "{} of {}", without.freed_looks, n);
  pdc::check(with.freed_looks == 0 && full.freed_looks == 0,
             "with hazard pointers, no reader looks at a freed node", "{} and {} of {}",
             with.freed_looks, full.freed_looks, n);
  pdc::check(with.kept == std::vector{0, 1, 1},
             "a node is kept back as soon as the readers show it, and not before", "{}, {} and {}",
             with.kept[0], with.kept[1], with.kept[2]);
  pdc::check(most_kept == n && full.kept.back() == 0,
             "no more nodes are kept back than there are slots, and none when no reader looks",
             "{} of {} nodes, {} slots; then {}", most_kept, 3 * n, n, full.kept.back());
  pdc::check(with.freed == 3 && full.freed == 3 * n + 1,
             "in the end, each node that was retired has been freed, and once", "{} of 3, {} of {}",
             with.freed, full.freed, 3 * n + 1);
  return program.finish();
}
