// Interleavings: all orders in which the statements of two threads can follow one another.
//
// Concept   Which thread goes on, and when, is not in the program's hands. So it is right only if each
//           order of its statements is. Few statements have few orders: run them all, and look at
//           each result. Real threads then replay a bad order: they are made to keep to it.
// Shows     std::function, std::jthread, std::barrier
// Run       interleavings --threads 2
// You see   4 of 6 orders lose an update; with a lock, or with Peterson's algorithm, none does
// Next      data_race looks for what nothing orders; memory_order lets threads leave the code's order

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <array>
#include <barrier>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

/// All that the threads share, and what each of them has seen of it.
struct State {
  int x = 0, turn = 0;
  std::array<int, 4> seen = {};
  std::array<bool, 2> wants = {};
  bool is_locked = false;
};

/// A step that no other thread sees half done. Its thread waits until it may run.
struct Statement {
  std::string text;
  std::function<void(State&)> run;
  std::function<bool(const State&)> may_run = [](const State&) { return true; };
};
using Code = std::vector<Statement>;  // of one thread
using Order = std::vector<int>;       // the thread of the first statement, of the second, and so on

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

struct Found {
  std::vector<Code> threads;
  int orders = 0;
  std::vector<Order> bad = {};  // of these orders
};

/// Goes on in each possible way from a state to which this order has led.
void explore(const State& state, const Order& order, Found& found) {
  bool goes_on = false;
  for (int me = 0; me < std::ssize(found.threads); ++me) {
    const Code& code = found.threads[me];
    const auto done = std::ranges::count(order, me);
    if (done == std::ssize(code) || !code[done].may_run(state)) continue;
    goes_on = true;
    State after = state;
    code[done].run(after);
    Order longer = order;
    longer.push_back(me);
    explore(after, longer, found);
  }
  if (goes_on) return;
  ++found.orders;  // at its end, or stuck: then an update is missing, too
  if (state.x != std::ssize(found.threads)) found.bad.push_back(order);
}

Found try_all_orders(Code (*code_of)(int), int threads) {
  Found found{};
  for (int me = 0; me < threads; ++me) found.threads.push_back(code_of(me));
  explore({}, {}, found);
  return found;
}

/// Real threads keep to the bad order with the fewest context switches. Returns x, and these.
std::array<int, 2> replay(const Found& found) {
  if (found.bad.empty()) return {};
  const auto count_unswitched = [](Order of) { return std::ssize(std::ranges::unique(of)); };
  const Order order = std::ranges::max(found.bad, {}, count_unswitched);
  State state;
  std::barrier next_step(std::ssize(found.threads));
  const auto keep_to_order = [&](int me) {
    const pdc::Lane lane("thread {}", me);
    auto statement = found.threads[me].begin();
    for (const int whose : order) {
      if (whose == me) {
        const auto work = lane.work("{}", statement->text);
        std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a slow statement
        statement->run(state);
        pdc::say("{:{}}thread {}: {}", "", 20 * me, me, statement->text);
        ++statement;
      }
      next_step.arrive_and_wait();
    }
  };
  std::vector<std::jthread> running;
  for (int me = 0; me < std::ssize(found.threads); ++me) running.emplace_back(keep_to_order, me);
  for (std::jthread& thread : running) thread.join();
  if (state.x < std::ssize(running)) pdc::fault("update lost");
  return {state.x, static_cast<int>(std::ssize(order) - 1 - count_unswitched(order))};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 2, "threads that add 1 to x", {2, 4}}});
  const int n = program.integer("threads");
  const Found plain = try_all_orders(add, n), locked = try_all_orders(add_with_lock, n);
  const Found peterson = try_all_orders(add_with_peterson, 2);
  const auto [x, switches] = program.scene("the simplest bad order without a lock", replay, plain);
  const auto factorial = [](int k) { return std::llround(std::tgamma(k + 1)); };
  const auto all = factorial(2 * n) >> n, one_by_one = factorial(n);
  pdc::check(plain.orders == all && std::ssize(plain.bad) == all - one_by_one,
             "without a lock, an update is lost unless the threads go one after the other",
             "{} of {} orders", plain.bad.size(), plain.orders);
  pdc::check(x == n - 1 && switches == n, "one switch too many loses an update", "x = {}", x);
  pdc::check(locked.orders == one_by_one && locked.bad.empty(),
             "with a lock, the threads go one after the other, and none is stuck",
             "{} of {} are bad", locked.bad.size(), locked.orders);
  pdc::check(peterson.orders > 2 && peterson.bad.empty(),
             "Peterson's algorithm loses no update, and nobody is stuck", "{} of {} are bad",
             peterson.bad.size(), peterson.orders);
  return program.finish();
}
