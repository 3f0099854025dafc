// Dining philosophers: five at a round table, five forks, and each needs two to eat.
//
// Concept   Whoever takes one fork and waits for the other keeps it from the neighbour meanwhile.
//           If all take their left fork first, each waits for the next one round the table: a
//           deadlock. It needs a circle, and each cure breaks it: take the forks in one order, let
//           one less than all try, or take both forks or none.
// Shows     std::mutex, std::unique_lock, std::counting_semaphore, std::scoped_lock, std::barrier
// Python    threading.Lock, threading.Semaphore
// Run       dining_philosophers --seats 5 --meals 3
// You see   the circle of those who wait, and three ways in which all eat
// Next      deadlock has the same with two locks; deadlock_avoidance finds the circle among ranks

// SPDX-License-Identifier: MIT
#include "pdc/graph.hpp"
#include "pdc/program.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

namespace {

/// Fork i lies between philosopher i, as the left one, and the one before, as the right one.
class Table {
 public:
  explicit Table(int seats) : forks_(static_cast<std::size_t>(seats)), eating_(forks_.size()) {}

  int seats() const { return static_cast<int>(forks_.size()); }
  int next(int seat) const { return (seat + 1) % seats(); }
  std::mutex& fork(int number) { return forks_[static_cast<std::size_t>(number)]; }

  void eat(int seat, const pdc::Lane& lane) {
    const auto work = lane.work("eats");
    eating(seat) = true;
    if (eating(next(seat)) || eating((seat + seats() - 1) % seats())) ++clashes;
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays the eating
    eating(seat) = false;
    ++meals;
  }

  std::atomic<int> meals = 0;
  std::atomic<int> clashes = 0;  // meals that began while a neighbour was eating

 private:
  std::atomic<bool>& eating(int seat) { return eating_[static_cast<std::size_t>(seat)]; }

  std::vector<std::mutex> forks_;
  std::vector<std::atomic<bool>> eating_;
};

template <class Life>
void seat_all(int seats, Life life) {
  std::vector<std::jthread> philosophers;
  for (int seat = 0; seat < seats; ++seat)
    philosophers.emplace_back(life, seat, pdc::Lane("philosopher {}", seat));
}  // ~jthread joins here

/// Wrong on purpose: all take the left fork, then the right one. They only try to take it, and
/// tell whom they would wait for; with lock() they would sit there for ever.
pdc::WaitForGraph left_then_right(int seats) {
  Table table(seats);
  pdc::WaitForGraph graph;
  std::mutex graph_mutex;
  std::barrier all(seats);
  seat_all(seats, [&](int seat, const pdc::Lane& lane) {
    const int right = table.next(seat);
    const std::scoped_lock left_fork(table.fork(seat));
    auto hold = lane.hold("fork {}", seat);
    all.arrive_and_wait();  // forced: everyone has the left fork
    const std::unique_lock right_fork(table.fork(right), std::try_to_lock);
    if (right_fork) return table.eat(seat, lane);
    const auto wait = lane.wait("fork {}", right);
    {
      const std::scoped_lock lock(graph_mutex);
      graph.add(fmt::format("philosopher {}", seat), fmt::format("fork {}", right),
                fmt::format("philosopher {}", right));
      if (!graph.cycle().empty()) pdc::fault("nobody can go on");
    }
    all.arrive_and_wait();  // nobody gives up before everyone has tried
  });
  return graph;
}

void eat_with(Table& table, int seat, int first, int second, const pdc::Lane& lane) {
  auto wait = lane.wait("fork {}", first);
  const std::scoped_lock one(table.fork(first));
  wait.end();
  const auto hold = lane.hold("fork {}", first);
  auto wait_again = lane.wait("fork {}", second);
  const std::scoped_lock other(table.fork(second));
  wait_again.end();
  table.eat(seat, lane);
}

/// The last one takes the right fork first, as fork 0 comes before his left one: no circle.
void in_order(Table& table, int meals) {
  seat_all(table.seats(), [&](int seat, const pdc::Lane& lane) {
    const auto [low, high] = std::minmax({seat, table.next(seat)});
    for (int meal = 0; meal < meals; ++meal) eat_with(table, seat, low, high, lane);
  });
}

/// A waiter lets all but one to the forks: somebody always finds both.
void with_a_waiter(Table& table, int meals) {
  std::counting_semaphore<> waiter(table.seats() - 1);
  seat_all(table.seats(), [&](int seat, const pdc::Lane& lane) {
    for (int meal = 0; meal < meals; ++meal) {
      auto wait = lane.wait("the waiter");
      waiter.acquire();
      wait.end();
      eat_with(table, seat, seat, table.next(seat), lane);
      waiter.release();
    }
  });
}

/// std::scoped_lock of two takes both, and gives the first one back when the second is taken.
void both_or_none(Table& table, int meals) {
  seat_all(table.seats(), [&](int seat, const pdc::Lane& lane) {
    for (int meal = 0; meal < meals; ++meal) {
      auto wait = lane.wait("both forks");
      const std::scoped_lock both(table.fork(seat), table.fork(table.next(seat)));
      wait.end();
      const auto hold = lane.hold("both forks");
      table.eat(seat, lane);
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"seats", 5, "philosophers, and as many forks", {2, 32}},
                        {"meals", 3, "meals that each one eats", {1, 100}}});
  const int seats = program.integer("seats");
  const int meals = program.integer("meals");

  const pdc::WaitForGraph graph = program.scene("left, then right", left_then_right, seats);
  graph.draw("who waits for whom");
  Table ordered(seats), served(seats), both(seats);
  program.scene("the lower number first", in_order, ordered, meals);
  program.scene("with a waiter", with_a_waiter, served, meals);
  program.scene("both forks or none", both_or_none, both, meals);

  const auto circle = static_cast<int>(graph.cycle().size());
  pdc::check(circle == seats, "left, then right: they wait for one another in a circle", "{} of {}",
             circle, seats);
  const auto check_cure = [&](const char* claim, const Table& table) {
    pdc::check(table.meals == seats * meals && table.clashes == 0, claim,
               "{} of {}, {} beside a neighbour who ate", table.meals.load(), seats * meals,
               table.clashes.load());
  };
  check_cure("the lower number first: all eat all their meals", ordered);
  check_cure("with a waiter: all eat all their meals", served);
  check_cure("both forks or none: all eat all their meals", both);
  return program.finish();
}
