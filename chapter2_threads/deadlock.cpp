// Deadlock: two threads hold a lock each and wait for the other's, for ever.
//
// Concept   Who holds one lock and waits for another can wait for somebody who waits for him: a
//           cycle, and nobody in it ever goes on. It takes four things: locks that exclude, holding
//           while waiting, nobody who takes a lock away, and the cycle. Break one, and it is gone.
// Shows     std::timed_mutex, std::unique_lock, std::scoped_lock of two, std::try_to_lock
// Python    threading.Lock, acquire(timeout=...)
// Run       deadlock --transfers 5
// You see   who holds what and waits for what, as a cycle; then three cures that finish
// Next      dining_philosophers has more than two in the cycle; bank locks many accounts

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/program.hpp"

#include <array>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <mutex>
#include <thread>
#include <vector>

namespace {

using namespace std::chrono_literals;

struct Table {
  std::array<std::timed_mutex, 2> locks;
  int moved = 0;  // guarded by both locks

  void move(const pdc::Lane& lane) {
    const auto hold = lane.hold("both");
    std::this_thread::sleep_for(1ms);  // plays the transfer
    ++moved;
  }
};

/// Wrong on purpose: thread 0 takes lock 0 and then 1, thread 1 takes lock 1 and then 0.
pdc::WaitForGraph lock_in_opposite_order() {
  Table table;
  pdc::WaitForGraph graph;
  std::mutex graph_mutex;
  std::barrier both(2);
  std::vector<std::jthread> threads;
  for (std::size_t me = 0; me < 2; ++me) {
    threads.emplace_back([&, me, other = 1 - me, lane = pdc::Lane("thread {}", me)] {
      const std::scoped_lock first(table.locks[me]);
      const auto hold = lane.hold("lock {}", me);
      both.arrive_and_wait();  // forced: each holds its first lock
      const auto wait = lane.wait("lock {}", other);
      const std::unique_lock second(table.locks[other], 20ms);  // lock() would wait for ever
      if (!second) {
        const std::scoped_lock lock(graph_mutex);
        graph.add(fmt::format("thread {}", me), fmt::format("lock {}", other),
                  fmt::format("thread {}", other));
      }
      both.arrive_and_wait();  // nobody gives up before both have tried
    });
  }
  threads.clear();  // joins
  return graph;
}

/// Everyone takes lock 0 first: who holds lock 1 never waits for lock 0, so no cycle can close.
void move_in_one_order(Table& table, std::size_t /*me*/, const pdc::Lane& lane) {
  auto wait = lane.wait("lock 0, then lock 1");
  const std::scoped_lock low(table.locks[0]);
  const std::scoped_lock high(table.locks[1]);
  wait.end();
  table.move(lane);
}

/// Waits for one only while it holds none: that is what std::lock does, too.
void move_with_scoped_lock(Table& table, std::size_t me, const pdc::Lane& lane) {
  auto wait = lane.wait("both locks");
  const std::scoped_lock both(table.locks[me], table.locks[1 - me]);
  wait.end();
  table.move(lane);
}

/// Tries for the second one; if that is taken, gives back the first, and begins with the other.
void move_or_back_off(Table& table, std::size_t me, const pdc::Lane& lane) {
  auto wait = lane.wait("lock {}, then lock {}", me, 1 - me);
  for (std::size_t one = me;; one = 1 - one) {
    const std::scoped_lock first(table.locks[one]);
    const std::unique_lock second(table.locks[1 - one], std::try_to_lock);
    if (!second) continue;  // ~scoped_lock gives back the first
    wait.end();
    table.move(lane);
    return;
  }
}

/// Both threads, all transfers. Returns how many have been made.
int cure(void (*transfer)(Table&, std::size_t, const pdc::Lane&), int transfers) {
  Table table;
  {
    std::vector<std::jthread> threads;
    for (std::size_t me = 0; me < 2; ++me) {
      threads.emplace_back([&, me, lane = pdc::Lane("thread {}", me)] {
        for (int i = 0; i < transfers; ++i) transfer(table, me, lane);
      });
    }
  }
  return table.moved;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"transfers", 5, "transfers of each thread", {1, 500}}});
  const int transfers = program.integer("transfers");

  const pdc::WaitForGraph graph = program.scene("in opposite order", lock_in_opposite_order);
  graph.draw("who waits for whom");
  const int ordered = program.scene("in one order", cure, move_in_one_order, transfers);
  const int scoped = program.scene("both or none", cure, move_with_scoped_lock, transfers);
  const int tried = program.scene("try and back off", cure, move_or_back_off, transfers);

  const int all = 2 * transfers;
  const std::size_t cycle = graph.cycle().size();
  pdc::check(cycle == 2, "in opposite order, each waits for what the other holds",
             "a cycle of {} threads", cycle);
  pdc::check(ordered == all, "in one order, all transfers are made", "{} of {}", ordered, all);
  pdc::check(scoped == all, "with std::scoped_lock, too", "{} of {}", scoped, all);
  pdc::check(tried == all, "and when who fails backs off and tries again", "{} of {}", tried, all);
  return program.finish();
}
