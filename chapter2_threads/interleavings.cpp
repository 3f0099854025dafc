// Interleavings: all orders in which the statements of two threads can follow one another.
//
// Concept   Which thread goes on, and when, is not in the program's hands. So it is right only if each
//           order of its statements is. Few statements have few orders: run them all, one after the
//           other, and look at each result. A bad order is then replayed by real threads, which are
//           made to keep to it.
// Shows     std::function, std::jthread, std::atomic, wait, notify_all
// Run       interleavings --threads 2
// You see   4 of 6 orders lose an update, and none with a lock; two swapped lines that spoil
//           Peterson's algorithm
// Next      data_race looks for what nothing orders; memory_order tries orders in which threads do
//           not keep to their code

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// All that the threads share, and what each of them has seen of it.
struct State {
  int x = 0;
  std::array<int, 4> seen = {};
  bool is_locked = false;
  std::array<bool, 2> wants = {};
  int turn = 0;
};

/// A step that no other thread sees half done.
struct Statement {
  std::string text;
  std::function<void(State&)> run;
  std::function<bool(const State&)> may_run = [](const State&) {
    return true;
  };  // until then, wait
};
using Code = std::vector<Statement>;  // of one thread

/// Wrong on purpose: x = x + 1, as a machine does it.
Code add(int me) {
  return {{"see x", [me](State& s) { s.seen[me] = s.x; }},
          {"set x", [me](State& s) { s.x = s.seen[me] + 1; }}};
}

Code add_with_lock(int me) {
  Code code = add(me);
  const auto is_free = [](const State& s) { return !s.is_locked; };
  code.insert(code.begin(), {"lock", [](State& s) { s.is_locked = true; }, is_free});
  code.push_back({"unlock", [](State& s) { s.is_locked = false; }});
  return code;
}

/// Peterson's algorithm: a lock for two threads, made of nothing but loads and stores.
Code add_with_peterson(int me) {
  const int other = 1 - me;
  Code code = add(me);
  const auto may_enter = [=](const State& s) { return !s.wants[other] || s.turn == me; };
  code.insert(code.begin(), {{"I want", [=](State& s) { s.wants[me] = true; }},
                             {"you go", [=](State& s) { s.turn = other; }},
                             {"enter", [](State&) {}, may_enter}});
  code.push_back({"leave", [=](State& s) { s.wants[me] = false; }});
  return code;
}

/// Wrong on purpose: gives way before it says that it wants to enter.
Code add_with_swapped(int me) {
  Code code = add_with_peterson(me);
  std::swap(code[0], code[1]);
  return code;
}

using Order = std::vector<int>;  // the thread of the first statement, of the second, and so on

struct Found {
  std::vector<Code> threads;
  std::int64_t orders = 0, bad = 0, stuck = 0;
  Order simplest = {};  // bad one: that with the fewest context switches
};

std::int64_t count_switches(Order order) {
  return std::ssize(order) - std::ssize(std::ranges::unique(order)) - 1;
}

/// Goes on in each possible way from a state to which this order has led.
void explore(const State& state, const Order& order, Found& found) {
  bool is_over = true, is_stuck = true;
  for (int me = 0; me < std::ssize(found.threads); ++me) {
    const Code& code = found.threads[me];
    const auto done = std::ranges::count(order, me);
    if (done == std::ssize(code)) continue;
    is_over = false;
    if (!code[done].may_run(state)) continue;
    is_stuck = false;
    State after = state;
    code[done].run(after);
    Order longer = order;
    longer.push_back(me);
    explore(after, longer, found);
  }
  if (!is_over) {
    if (is_stuck) ++found.stuck;
    return;
  }
  ++found.orders;
  if (state.x == std::ssize(found.threads)) return;
  ++found.bad;
  if (found.bad == 1 || count_switches(order) < count_switches(found.simplest))
    found.simplest = order;
}

Found try_all_orders(Code (*code_of)(int), int threads) {
  Found found{};
  for (int me = 0; me < threads; ++me) found.threads.push_back(code_of(me));
  explore({}, {}, found);
  return found;
}

/// Real threads, each of which runs a statement when the order comes to it. Returns x.
int replay(const Found& found) {
  const int all = static_cast<int>(found.threads.size());
  if (found.bad == 0) return all;  // there is no bad order
  State state;
  bool may_all = true;         // run, when the order says so
  std::atomic<int> place = 0;  // in the order
  const auto take_turns = [&](int me) {
    const pdc::Lane lane("thread {}", me);
    for (const Statement& statement : found.threads[me]) {
      auto wait = lane.wait("its turn");
      int now = place;
      while (found.simplest[now] != me) {
        place.wait(now);
        now = place;
      }
      wait.end();
      auto work = lane.work("{}", statement.text);
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a slow statement
      may_all = may_all && statement.may_run(state);
      statement.run(state);
      pdc::say("{:{}}thread {}: {}", "", 20 * me, me, statement.text);
      work.end();
      ++place;
      place.notify_all();
    }
  };
  std::vector<std::jthread> running;
  for (int me = 0; me < all; ++me) running.emplace_back(take_turns, me);
  running.clear();           // ~jthread joins
  if (!may_all) return all;  // a thread that waits as it has to cannot keep to this order
  if (state.x < all) pdc::fault("update lost");
  return state.x;
}

std::int64_t factorial(std::int64_t n) {
  return n < 2 ? 1 : n * factorial(n - 1);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 2, "threads that add 1 to x", {2, 4}}});
  const int n = program.integer("threads");

  const Found plain = try_all_orders(add, n), locked = try_all_orders(add_with_lock, n);
  const Found swapped = try_all_orders(add_with_swapped, 2);
  const Found peterson = try_all_orders(add_with_peterson, 2);
  const int x = program.scene("the simplest bad order without a lock", replay, plain);
  const int y = program.scene("the simplest bad order of the swapped lines", replay, swapped);

  const std::int64_t all = factorial(2 * n) >> n, one_by_one = factorial(n);
  pdc::check(plain.orders == all, "every order has been tried, as many as the closed form says",
             "{}", all);
  pdc::check(plain.bad == all - one_by_one,
             "without a lock, an update is lost unless the threads go one after the other",
             "{} of {} orders", plain.bad, plain.orders);
  pdc::check(locked.orders == one_by_one && locked.bad == 0 && locked.stuck == 0,
             "with a lock, the threads go one after the other, and none is stuck",
             "{} of {} bad, {} stuck", locked.bad, locked.orders, locked.stuck);
  pdc::check(swapped.bad > 0, "with two lines swapped, Peterson's algorithm loses an update",
             "{} of {} orders", swapped.bad, swapped.orders);
  pdc::check(peterson.bad == 0 && peterson.stuck == 0,
             "Peterson's algorithm loses no update, and nobody is stuck", "{} of {} bad, {} stuck",
             peterson.bad, peterson.orders, peterson.stuck);
  pdc::check(x < n && y < 2, "real threads that keep to a bad order lose an update",
             "x = {} and {}", x, y);
  return program.finish();
}
