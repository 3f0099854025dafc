// Ring buffer: items from one thread to another, with no lock.
//
// Concept   One thread puts items into the slots of a ring, another takes them out. Each has an
//           index that it alone writes, so no lock is needed, only an order: first the item, then
//           the index that says so. It is stored with release and loaded with acquire: a thread that
//           sees the new index sees the item as well.
// Shows     std::memory_order_release, std::memory_order_acquire, alignas
// Run       ring_buffer --laps 2 --items 20000
// You see   with the index first, the consumer takes what lay in the slot before, every time; with
//           the item first, it finds nothing until the item is there
// Next      queue has any number of producers and consumers; spinlock can sleep on an atomic

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t cache_line = 64;  // bytes, on x86-64 and most others

/// For one producer and one consumer. The index that each of them writes, and what it last read of
/// the other's, stand in a cache line of their own; it reads the other's only when it has to. The
/// indices count all items, for ever.
template <class Item, std::size_t capacity>
struct Ring {
  static_assert(std::has_single_bit(capacity), "so % is cheap, and right when an index overflows");

  /// The producer's. False: the ring is full, and the item stays with the caller.
  bool push(Item&& item, const auto& in_gap) {
    const std::size_t mine = tail.load(std::memory_order_relaxed);
    if (mine - seen_head == capacity) seen_head = head.load(std::memory_order_acquire);
    if (mine - seen_head == capacity) return false;
    slots[mine % capacity] = std::move(item);
    in_gap();                                         // forced: the consumer looks here
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
  std::size_t seen_head = 0;                              // the other's index, as last read
  alignas(cache_line) std::atomic<std::size_t> head = 0;  // the consumer writes it
  std::size_t seen_tail = 0;
  alignas(cache_line) std::array<Item, capacity> slots = {};
};

constexpr std::size_t few = 4, many = 256;
using Small = Ring<std::int64_t, few>;
using Gap = std::function<void()>;  // what happens between the two writes

/// Right.
void put_item_first(Small& ring, std::int64_t item, const Gap& in_gap) {
  ring.push(std::move(item), in_gap);
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
  int written = 0;   // items that lay in their slot by then
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
    auto look = lane.work("finds none");
    std::optional<std::int64_t> taken = ring.pop();
    if (taken) look.rename("takes {}", *taken);
    look.end();
    if (ring.slots[static_cast<std::size_t>(item - 1) % few] == item) ++seen.written;
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
int run_freely(int items) {
  Ring<std::int64_t, many> ring;
  const std::jthread producer([&, lane = pdc::Lane("producer")] {
    const auto work = lane.work("puts");
    for (std::int64_t item = 0; item < items; ++item) {
      while (!ring.push(std::int64_t{item}, [] {})) std::this_thread::yield();  // full: it waits
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

struct Filled {
  int accepted = 0, kept = 0;  // items that the ring has, and that the caller still has
};

/// Nobody takes anything.
Filled fill() {
  Ring<std::unique_ptr<int>, many> ring;
  Filled filled;
  for (std::size_t i = 0; i < 2 * many; ++i) {
    auto item = std::make_unique<int>();
    if (ring.push(std::move(item), [] {})) ++filled.accepted;
    if (item != nullptr) ++filled.kept;  // pushed in vain: nothing was moved
  }
  return filled;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"laps", 2, "times round the small ring", {2, 100}},
                        {"items", 20'000, "through the large ring", {2 * many, 100'000}}});
  const int laps = program.integer("laps"), items = program.integer("items");
  const int n = laps * static_cast<int>(few);

  const Seen wrong = program.scene("the index first", look_into_gap, put_index_first, laps);
  const Seen right = program.scene("the item first", look_into_gap, put_item_first, laps);
  const int in_order = program.scene("both as fast as they can", run_freely, items);
  const Filled filled = fill();

  pdc::check(wrong.in_gap == n && wrong.old == n,
             "with the index first, the consumer takes what lay in the slot before, every time",
             "{} and {} of {}", wrong.in_gap, wrong.old, n);
  pdc::check(right.written == n,
             "with the item first, it lies in its slot before the index says so", "{} of {}",
             right.written, n);
  pdc::check(right.in_gap == 0, "with the item first, nothing is taken before it is there",
             "{} of {}", right.in_gap, n);
  pdc::check(right.in_order == n, "with the item first, each item comes once and in order",
             "{} of {} through {} slots", right.in_order, n, few);
  pdc::check(in_order == items, "as fast as they can, each item comes once and in order",
             "{} of {} through {} slots", in_order, items, many);
  pdc::check(filled.accepted == static_cast<int>(many) && filled.kept == filled.accepted,
             "a full ring takes no more, and what it does not take stays with the caller",
             "{} items in {} slots, {} kept", filled.accepted, many, filled.kept);
  return program.finish();
}
