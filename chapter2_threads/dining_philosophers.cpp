// Dining philosophers: five at a round table, five forks, and each needs two to eat.
//
// Concept   A philosopher who takes one fork and waits for the other keeps it from a neighbour
//           meanwhile. If all take their left fork first, each waits for the next one round the
//           table: a deadlock. It needs a circle, and each cure keeps it open: take the forks in one
//           order, or have a waiter who lets all but one to the forks.
// Shows     std::mutex, std::scoped_lock, std::counting_semaphore
// Python    threading.Lock, threading.Semaphore
// Run       dining_philosophers --seats 5 --meals 3
// You see   the circle of those who wait, and two ways in which all eat
// Next      deadlock has the same with two locks; deadlock_avoidance finds the circle among ranks

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

namespace {

/// A std::mutex that notes who holds it and who wants it. Where its lock() would wait for ever it
/// returns without the lock, so that the program goes on and can tell.
using Fork = pdc::Watched<std::mutex>;

struct Table {
  explicit Table(int n) : seats(n), bad_moment(n), eating(n), waiter(n - 1) {
    for (int i = 0; i < n; ++i) forks.emplace_back(order, fmt::format("fork {}", i));
  }

  int next(int seat) const { return (seat + 1) % seats; }

  const int seats;
  pdc::Meeting bad_moment;
  pdc::LockOrder order{bad_moment};  // a philosopher who waits for a fork is kept out of it
  std::deque<Fork> forks;  // fork i is the left one of philosopher i, and the right one of i - 1
  std::deque<std::atomic<bool>> eating;
  std::counting_semaphore<> waiter;
  std::atomic<int> meals = 0, clashes = 0;  // clashes: meals beside a neighbour who was eating
  pdc::Gauge at_the_forks;
};

void eat(Table& table, int seat, const pdc::Lane& lane) {
  const auto work = lane.work("eats");
  table.eating.at(seat) = true;
  table.bad_moment.meet();  // forced: all who can eat, do
  if (table.eating.at(table.next(seat))) ++table.clashes;
  table.bad_moment.meet();
  table.eating.at(seat) = false;
  ++table.meals;
}

void eat_with(Table& table, int first, int second, int seat, const pdc::Lane& lane) {
  const auto visit = table.at_the_forks.visit();
  const std::scoped_lock one(table.forks.at(first));
  table.bad_moment.meet();  // forced: all who can have their first fork, have it
  const std::scoped_lock two(table.forks.at(second));
  eat(table, seat, lane);
}

/// Wrong on purpose: each takes the left fork, then the right one.
void left_then_right(Table& table, int seat, const pdc::Lane& lane) {
  eat_with(table, seat, table.next(seat), seat, lane);
}

/// The last one takes the right fork first, since fork 0 comes before the left one: no circle.
void lower_number_first(Table& table, int seat, const pdc::Lane& lane) {
  const auto [low, high] = std::minmax({seat, table.next(seat)});
  eat_with(table, low, high, seat, lane);
}

/// The waiter lets all but one to the forks: one of them always finds both.
void ask_the_waiter(Table& table, int seat, const pdc::Lane& lane) {
  auto wait = table.bad_moment.wait_outside(lane, "the waiter");
  table.waiter.acquire();
  wait.end();
  left_then_right(table, seat, lane);
  table.waiter.release();  // an exception would keep the place: semaphore has a guard for it
}

struct Seen {
  pdc::WaitForGraph deadlock;
  std::vector<std::string> circle;  // of forks, each wanted by one who holds the one before it
  int meals, clashes;
  int at_the_forks;  // at most at once
};

Seen dine(void (*eat_once)(Table&, int, const pdc::Lane&), int seats, int meals) {
  Table table(seats);
  {
    std::vector<std::jthread> philosophers;
    for (int seat = 0; seat < seats; ++seat) {
      philosophers.emplace_back([&, seat, lane = pdc::Lane("philosopher {}", seat)] {
        const pdc::LockingLane locks_are_bars_of(lane);
        for (int meal = 0; meal < meals; ++meal) eat_once(table, seat, lane);
      });
    }
  }  // ~jthread joins here
  return {table.order.deadlock(), table.order.cycle(), table.meals, table.clashes,
          table.at_the_forks.most()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"seats", 5, "philosophers, and as many forks", {2, 32}},
                        {"meals", 3, "meals that each one eats", {1, 20}}});
  const int seats = program.integer("seats");
  const int meals = program.integer("meals");

  const Seen wrong = program.scene("left, then right", dine, left_then_right, seats, 1);
  wrong.deadlock.draw("who waits for whom");
  const Seen ordered =
      program.scene("the lower number first", dine, lower_number_first, seats, meals);
  const Seen served = program.scene("with a waiter", dine, ask_the_waiter, seats, meals);

  const auto in_circle = static_cast<int>(wrong.deadlock.cycle().size());
  pdc::check(in_circle == seats, "left, then right: all wait for one another in a circle",
             "{} of {}", in_circle, seats);
  const auto check_meals = [&](const char* claim, const Seen& seen) {
    pdc::check(seen.meals == seats * meals && seen.clashes == 0, claim,
               "{} of {}, {} beside a neighbour who ate", seen.meals, seats * meals, seen.clashes);
  };
  pdc::check(ordered.circle.empty(),
             "the lower number first: no circle among the forks held and wanted");
  check_meals("the lower number first: all eat all their meals, no neighbours at once", ordered);
  const auto forks_in_circle = static_cast<int>(served.circle.size());
  pdc::check(forks_in_circle == seats && served.deadlock.cycle().empty(),
             "with a waiter: the forks held and wanted make a circle, and still no deadlock",
             "{} of {} forks", forks_in_circle, seats);
  pdc::check(served.at_the_forks == seats - 1, "with a waiter: all but one are at the forks",
             "{} of {}", served.at_the_forks, seats);
  check_meals("with a waiter: all eat all their meals, no neighbours at once", served);
  return program.finish();
}
