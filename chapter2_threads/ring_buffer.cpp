// Ring buffer: items from one thread to one other, with no lock.
//
// Concept   One thread puts items into the slots of a ring, one other takes them out. Each has an
//           index that it alone writes, so no lock is needed, only an order: first the item, then
//           the index that says so. It is stored with release and loaded with acquire: a thread that
//           sees the new index sees the item as well.
// Shows     std::memory_order_release, std::memory_order_acquire, alignas
// Run       ring_buffer --laps 2 --items 20000
// You see   with the index first, the consumer takes what lay in the slot before, every time; with
//           the item first, it finds nothing until the item is there
// Next      queue has any number of producers and consumers; spinlock waits on an atomic

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t cache_line = 64;  // bytes, on x86-64 and most others

/// For one producer and one consumer. What each of them writes stands in a cache line of its own, and
/// each looks at the other's index only when it has to. The indices count all items, for ever.
template <class Item, std::size_t capacity>
struct Ring {
  static_assert((capacity & (capacity - 1)) == 0, "a power of two, which makes % cheap");

  /// The producer's. False: the ring is full.
  bool push(Item item, const auto& in_gap) {
    const std::size_t mine = tail.load(std::memory_order_relaxed);
    if (mine - seen_head == capacity) seen_head = head.load(std::memory_order_acquire);
    if (mine - seen_head == capacity) return false;
    slots[mine % capacity] = std::move(item);
    in_gap();                                         // what the consumer sees here, is forced
    tail.store(mine + 1, std::memory_order_release);  // now the item may be seen
    return true;
  }

  /// The consumer's. Nothing: the ring is empty.
  std::optional<Item> pop() {
    const std::size_t mine = head.load(std::memory_order_relaxed);
    if (mine == seen_tail) seen_tail = tail.load(std::memory_order_acquire);
    if (mine == seen_tail) return {};
    Item item = std::move(slots[mine % capacity]);
    head.store(mine + 1, std::memory_order_release);  // now the slot may be used again
    return item;
  }

  alignas(cache_line) std::atomic<std::size_t> tail = 0;  // the producer writes it
  std::size_t seen_head = 0;                              // what it saw last of the other's
  alignas(cache_line) std::atomic<std::size_t> head = 0;  // the consumer writes it
  std::size_t seen_tail = 0;
  alignas(cache_line) std::array<Item, capacity> slots = {};
};

constexpr std::size_t few = 4, many = 256;
using Small = Ring<std::int64_t, few>;
using Gap = std::function<void()>;  // what happens between the two writes

/// Right.
void put_item_first(Small& ring, std::int64_t item, const Gap& in_gap) {
  ring.push(item, in_gap);
}

/// Wrong on purpose: it says that the item is there before it is.
void put_index_first(Small& ring, std::int64_t item, const Gap& in_gap) {
  const std::size_t mine = ring.tail.load(std::memory_order_relaxed);
  ring.tail.store(mine + 1, std::memory_order_release);
  in_gap();
  ring.slots[mine % few] = item;
}

struct Seen {
  int in_gap = 0;    // items taken before they were all there
  int old = 0;       // of all taken: what the slot had held a lap before
  int in_order = 0;  // what had been put in, each once
};

/// The consumer looks between the two writes of each item, and once more after them.
Seen look_into_gap(void (*put)(Small&, std::int64_t, const Gap&), int laps) {
  Small ring;
  std::barrier both(2);
  const std::int64_t items = std::int64_t{laps} * few;
  const std::jthread producer([&, lane = pdc::Lane("producer")] {
    for (std::int64_t item = 1; item <= items; ++item) {
      const auto work = lane.work("puts {}", item);
      put(ring, item, [&] {
        both.arrive_and_wait();  // forced: now the consumer looks
        both.arrive_and_wait();
      });
      both.arrive_and_wait();
    }
  });
  const pdc::Lane lane("consumer");
  Seen seen;
  for (std::int64_t item = 1; item <= items; ++item) {
    both.arrive_and_wait();
    auto look = lane.work("looks");
    std::optional<std::int64_t> taken = ring.pop();
    look.end();
    if (taken) {
      pdc::fault("no item yet");
      ++seen.in_gap;
    }
    both.arrive_and_wait();
    both.arrive_and_wait();  // the item is complete
    if (!taken) taken = ring.pop();
    const std::int64_t before = item <= std::int64_t{few} ? 0 : item - std::int64_t{few};
    if (taken == before) ++seen.old;
    if (taken == item) ++seen.in_order;
  }
  return seen;
}  // ~jthread joins the producer

/// Both as fast as they can. Returns how many items came once and in their order.
int run_freely(Ring<std::int64_t, many>& ring, int items) {
  const std::jthread producer([&, lane = pdc::Lane("producer")] {
    const auto work = lane.work("puts");
    for (int item = 0; item < items; ++item) {
      while (!ring.push(item, [] {})) std::this_thread::yield();  // full: the other thread may run
    }
  });
  const pdc::Lane lane("consumer");
  const auto work = lane.work("takes");
  int in_order = 0;
  for (int item = 0; item < items; ++item) {
    std::optional<std::int64_t> taken = ring.pop();
    while (!taken) {
      std::this_thread::yield();
      taken = ring.pop();
    }
    if (taken == item) ++in_order;
  }
  return in_order;
}

/// How many items it accepts that nobody takes.
int fill(Ring<std::int64_t, many>& ring) {
  int accepted = 0;
  for (std::size_t i = 0; i < 2 * many; ++i)
    if (ring.push(-1, [] {})) ++accepted;
  return accepted;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"laps", 2, "times round the small ring", {2, 100}},
                        {"items", 20'000, "through the large ring", {1, 100'000}}});
  const int laps = program.integer("laps"), items = program.integer("items");
  const int n = laps * static_cast<int>(few);

  const Seen wrong = program.scene("the index first", look_into_gap, put_index_first, laps);
  const Seen right = program.scene("the item first", look_into_gap, put_item_first, laps);
  Ring<std::int64_t, many> ring;
  const int in_order = program.scene("both as fast as they can", run_freely, std::ref(ring), items);
  const int accepted = fill(ring);

  pdc::check(wrong.in_gap == n && wrong.old == n,
             "with the index first, the consumer takes what lay in the slot before, every time",
             "{} of {}", wrong.old, n);
  pdc::check(right.in_gap == 0, "with the item first, nothing is taken before it is there",
             "{} of {}", right.in_gap, n);
  pdc::check(right.in_order == n, "with the item first, each item comes once and in order",
             "{} of {}, {} times round", right.in_order, n, laps);
  pdc::check(in_order == items, "as fast as they can, each item comes once and in order",
             "{} of {}, {} times round", in_order, items, items / static_cast<int>(many));
  pdc::check(accepted == static_cast<int>(many), "a full ring takes no more",
             "{} items in {} slots", accepted, many);
  return program.finish();
}
