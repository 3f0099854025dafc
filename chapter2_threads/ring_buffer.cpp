// Ring buffer: items from one thread to another, with no lock.
//
// Concept   One thread puts items into the slots of a ring, another takes them out. Each writes an
//           index of its own, so no lock is needed, only an order: first the item, then the index
//           that says so, with release. A thread that loads it with acquire sees the item as well.
// Shows     std::memory_order_release, std::memory_order_acquire, alignas
// Run       ring_buffer --laps 2
// You see   with the index first, the consumer takes an old item; with the item first, none too early
// Next      queue has any number of producers and consumers; spinlock can sleep on an atomic

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>

namespace {

constexpr std::size_t cache_line = 64;  // bytes, on x86-64 and most others

/// For one producer and one consumer. Each writes an index in a cache line of its own, and reads the
/// other's only when it has to. The indices count all items, for ever.
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

constexpr std::size_t few = 4, many = 256;  // slots
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
  int old = 0, hidden = 0;  // items taken from the lap before; items there, but not to be taken yet
};

/// Between the two writes of each item, the consumer looks.
Seen look_into_gap(void (*put)(Small&, std::int64_t, const Gap&), int all) {
  const pdc::Lane producer("producer"), consumer("consumer");
  Small ring;
  Seen seen;
  for (int n = 0; n < all; ++n) {
    const std::int64_t item = n + 1, before = n < static_cast<int>(few) ? 0 : item - few;
    const auto work = producer.work("puts {}", item);
    std::optional<std::int64_t> taken;
    put(ring, item, [&] {
      std::jthread([&] {
        auto look = consumer.work("finds none");
        taken = ring.pop();
        if (taken) look.rename("takes {}", *taken);
      });  // forced: it looks now, and ~jthread joins it
      if (!taken && ring.slots[n % few] == item) ++seen.hidden;
    });
    if (taken) pdc::fault("no item yet");
    if (taken == before) ++seen.old;
    if (!taken) ring.pop();  // now it is there
  }
  return seen;
}

/// Both as fast as they can. Returns how many items came once and in their order.
int run_freely(int items) {
  Ring<std::string, many> ring;
  int in_order = 0;
  const auto take_all = [&] {
    for (int i = 0; i < items; ++i) {
      auto taken = ring.pop();
      while (!taken) {
        std::this_thread::yield();
        taken = ring.pop();
      }
      if (taken == std::to_string(i)) ++in_order;
    }
  };
  std::jthread consumer;  // forced: it begins when the ring is full
  for (int i = 0; i < items; ++i) {
    std::string item = std::to_string(i);
    while (!ring.push(std::move(item), [] {})) {
      if (!consumer.joinable()) consumer = std::jthread(take_all);
      std::this_thread::yield();
    }
  }
  if (consumer.joinable()) consumer.join();
  return in_order;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"laps", 2, "times round the small ring", {2, 100}}});
  const int n = program.integer("laps") * static_cast<int>(few), items = 20'000;
  const Seen wrong = program.scene("the index first", look_into_gap, put_index_first, n);
  const Seen right = program.scene("the item first", look_into_gap, put_item_first, n);
  const int in_order = run_freely(items);

  pdc::check(wrong.old == n, "with the index first, the consumer takes what lay there before",
             "{} of {}", wrong.old, n);
  pdc::check(right.hidden == n, "with the item first, it is there before the consumer can take it",
             "{} of {}", right.hidden, n);
  pdc::check(in_order == items, "a full ring takes no more, and each item comes once and in order",
             "{} of {} through {} slots", in_order, items, many);
  return program.finish();
}
