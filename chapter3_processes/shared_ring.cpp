// Shared ring: a queue in shared memory that stays whole when an owner of its lock is killed.
//
// Concept   A kill can come between any two writes. So a producer writes the item first, and last
//           of all the one index that makes it count: before that write there is no item, after it
//           a whole one. The next owner of the lock repairs nothing, and counts the losses.
// Shows     pthread_mutexattr_setrobust, pthread_mutex_consistent, std::atomic
// Python    multiprocessing.shared_memory, multiprocessing.Lock, which a death leaves locked
// Run       shared_ring --producers 8
// You see   with the index first, an old item and half an item; with the item first, whole ones
// Next      message_queue has the kernel keep the items; ring_buffer is for two threads

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <functional>
#include <mutex>
#include <system_error>
#include <vector>

namespace {

struct Order {
  int customer, amount;
  bool operator==(const Order&) const = default;
};
using Gap = std::function<void(int)>;  // what happens between two writes

constexpr unsigned size = 64;
constexpr Order taken_long_ago = {100, 10'000};  // in every place, from the lap before

/// In shared memory. The indices count all items, for ever.
struct Ring {
  explicit Ring(int producers) : others_wait(producers) {
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&mutex, &kind);
    places.fill(taken_long_ago);
  }
  void lock() {  // for std::scoped_lock
    int error = pthread_mutex_lock(&mutex);
    if (error == EOWNERDEAD) {  // it is held all the same
      ++deaths;
      error = pthread_mutex_consistent(&mutex);  // so it is, by the order of the writes
    }
    if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_mutex_lock");
  }
  void unlock() { pthread_mutex_unlock(&mutex); }
  auto lost() const { return begun - tail; }  // for good, when the lock has been inherited
  pthread_mutex_t mutex;                      // never destroyed: it must not be while it is locked
  std::atomic<std::uint64_t> begun = 0, tail = 0, head = 0;
  int deaths = 0;
  std::array<Order, size> places;
  pdc::Meeting others_wait;
};

/// Right: the item first, and last the write that makes it count. Requires: a free place. The lock
/// keeps others out; the indices are atomic so that the compiler moves no write across theirs.
void put_item_first(Ring& ring, Order order, const Gap& gap) {
  ++ring.begun;
  gap(0);
  Order& place = ring.places[ring.tail % size];
  place.customer = order.customer;
  gap(1);
  place.amount = order.amount;
  gap(2);
  ++ring.tail;
  gap(3);
}

/// Wrong on purpose: the item counts before it is there.
void put_index_first(Ring& ring, Order order, const Gap& gap) {
  ++ring.begun;
  gap(0);
  Order& place = ring.places[ring.tail++ % size];
  gap(1);
  place.customer = order.customer;
  gap(2);
  place.amount = order.amount;
  gap(3);
}

std::vector<Order> take_all(Ring& ring, bool is_killed) {
  std::vector<Order> taken;
  const std::scoped_lock lock(ring);
  for (; ring.head != ring.tail; ++ring.head) {  // the index last, here too
    taken.push_back(ring.places[ring.head % size]);
    if (is_killed) raise(SIGKILL);  // forced: copied, and not yet counted as taken
  }
  return taken;
}

/// Producers 1 to 4 are killed, one in each gap. (A kill before ++begun loses what nobody knew of.)
void produce(Ring& ring, int i, decltype(put_item_first) put, const pdc::Lane& lane) {
  auto wait = ring.others_wait.wait_outside(lane, "lock");
  const std::scoped_lock lock(ring);
  wait.end();
  auto hold = lane.hold("order of {}", i);
  put(ring, Order{i, 100 * i}, [&](int gap) {
    ring.others_wait.meet();  // forced: all others wait for the lock, or have ended
    if (gap != i - 1) return;
    hold.end();
    pdc::fault("killed");
    raise(SIGKILL);  // forced: here, with the lock held
  });
}

std::vector<Order> run_all(int producers, Ring& ring, decltype(put_item_first) put) {
  std::vector<pdc::Child> children;
  for (int i = 1; i <= producers; ++i)
    children.emplace_back([&, lane = pdc::Lane("producer {}", i)] { produce(ring, i, put, lane); });
  children.clear();  // waits for each
  pdc::Child([&] { take_all(ring, true); });
  return take_all(ring, false);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"producers", 8, "that put an order each", {5, 64}}});
  const int all = program.integer("producers");
  const pdc::Shared<Ring> without(all), with(all);
  const auto wrong = program.scene("the index first", run_all, all, *without, put_index_first);
  const auto right = program.scene("the item first", run_all, all, *with, put_item_first);
  std::vector<Order> counted;  // the first three are killed before theirs count
  for (int i = 4; i <= all; ++i) counted.push_back({i, 100 * i});

  pdc::check(std::ranges::count(wrong, taken_long_ago) == 1,
             "with the index first, a place not yet written is taken: an old item again");
  pdc::check(std::ranges::count(wrong, Order{3, taken_long_ago.amount}) == 1,
             "with the index first, half an item is taken, with half of an old one");
  pdc::check(std::ranges::is_permutation(right, counted) && with->lost() == 3,
             "with the item first, each item begun is taken whole and once, or reported lost",
             "{} taken, {} lost", right.size(), with->lost());
  pdc::check(without->deaths == 5 && with->deaths == 5,
             "each is killed with the lock in hand, and the next owner is told", "{} and {} deaths",
             without->deaths, with->deaths);
  return program.finish();
}
