// SPDX-License-Identifier: MIT
#include "memory_model.hpp"

#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <latch>
#include <set>
#include <string>
#include <thread>
#include <utility>

struct Access {
  enum class Kind { store, load, fence } kind;
  int place;  // 0 is x, 1 is y
  std::memory_order order;
};

namespace {

using Code = std::vector<Access>;                        // of one thread
using Steps = std::vector<std::pair<int, std::string>>;  // each with its thread
using View = unsigned;  // a bit for each place: its 1 has to be seen

struct Thread {
  std::size_t done = 0, loads = 0;
  View sees = 0;
  View acquired = 0;  // by a fence that may come, of what relaxed loads were handed
  View released = 0;  // by a fence: handed on by each later store
};

struct State {
  std::vector<Thread> threads;
  View stored = 0, agreed = 0;      // so far; by what is seq_cst
  std::array<View, 2> handed = {};  // to whoever acquires what is stored in a place
  Outcome outcome = {};             // so far
  Steps steps = {};
};

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_acquire;
}

bool may_see(int value, const State& state, const Thread& me, const Access& access) {
  const View place = 1U << access.place;
  if (value == 1) return (state.stored & place) != 0;
  View has_to_see = me.sees;
  if (access.order == std::memory_order_seq_cst) has_to_see |= state.agreed;
  return (has_to_see & place) == 0;  // the 0 is old, but nothing has told this thread
}

void store(State& state, Thread& me, const Access& access) {
  const View place = 1U << access.place;
  state.stored |= place;
  me.sees |= place;
  state.handed[access.place] = releases(access.order) ? me.sees : me.released;
  if (access.order == std::memory_order_seq_cst) state.agreed |= place;
}

void see_stored(State& state, Thread& me, const Access& access) {
  const View place = 1U << access.place;
  me.sees |= place;  // and never the 0 again
  me.acquired |= state.handed[access.place];
  if (acquires(access.order)) me.sees |= state.handed[access.place];
  if (access.order == std::memory_order_seq_cst) state.agreed |= place;
}

void see_agreed(State& state, Thread& me, std::memory_order order) {
  if (acquires(order)) me.sees |= me.acquired;
  if (order == std::memory_order_seq_cst) {
    me.sees |= state.agreed;
    state.agreed = me.sees;
  }
  if (releases(order)) me.released = me.sees;
}

/// One step of this thread. Requires: it may see this value, if it is a load.
State step(State state, int thread, const Access& access, int value) {
  Thread& me = state.threads[thread];
  const std::string place(1, "xy"[access.place]);
  ++me.done;
  if (access.kind == Access::Kind::fence) {
    see_agreed(state, me, access.order);
    state.steps.emplace_back(thread, "fence");
  } else if (access.kind == Access::Kind::store) {
    store(state, me, access);
    state.steps.emplace_back(thread, "set " + place);
  } else {
    if (value == 1) see_stored(state, me, access);
    state.outcome[thread][me.loads] = value;
    ++me.loads;
    state.steps.emplace_back(thread, "see " + place + " = " + std::to_string(value));
  }
  return state;
}

struct Executions {
  std::set<Outcome> outcomes = {};
  Steps example = {};   // the steps of one: a bad one, if there is any
  bool is_bad = false;  // there is
};

/// Goes on in each possible way.
void go_on(const State& state, const std::vector<Code>& threads, const Outcome& bad,
           Executions& found) {
  bool is_over = true;
  for (int i = 0; i < std::ssize(threads); ++i) {
    const Thread& me = state.threads[i];
    if (me.done == threads[i].size()) continue;
    is_over = false;
    const Access& access = threads[i][me.done];
    for (const int value : {1, 0}) {
      const bool is_load = access.kind == Access::Kind::load;
      if (is_load ? may_see(value, state, me, access) : value == 1)
        go_on(step(state, i, access, value), threads, bad, found);
    }
  }
  if (!is_over) return;
  found.outcomes.insert(state.outcome);
  const bool is_first_bad = state.outcome == bad && !found.is_bad;
  if (is_first_bad || found.example.empty()) found.example = state.steps;
  if (is_first_bad) found.is_bad = true;
}

/// Slowly.
void play(const Executions& found, std::size_t threads) {
  std::vector<pdc::Lane> lanes;
  for (std::size_t i = 0; i < threads; ++i) lanes.push_back(pdc::Lane("thread {}", i));
  for (const auto& [thread, text] : found.example) {
    const auto work = lanes[thread].work("{}", text);
    std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays a slow access
  }
  if (found.is_bad) pdc::fault("an old 0");
}

Found explore(const std::vector<Body>& threads, const Outcome& bad) {
  std::vector<Code> code(threads.size());
  for (int i = 0; i < std::ssize(threads); ++i) {
    Place first{code[i], i % 2}, second{code[i], 1 - i % 2};
    Loads unknown = {};
    threads[i].in_model(first, second, unknown);
  }
  State state{std::vector<Thread>(threads.size())};
  state.outcome.resize(threads.size());
  Executions found;
  go_on(state, code, bad, found);
  play(found, threads.size());
  return {static_cast<int>(found.outcomes.size()), found.is_bad};
}

struct Round {
  alignas(128) std::atomic<int> x = 0, y = 0;  // apart, so that one can be seen before the other
  Outcome seen;
};

void play_rounds(const std::vector<Body>& threads, const Outcome& bad, int rounds) {
  std::vector<Round> all(rounds);
  for (Round& round : all) round.seen.resize(threads.size());
  std::latch all_here(std::ssize(threads));
  const auto play_all = [&](int i) {
    all_here.arrive_and_wait();
    for (Round& round : all) {
      if (i % 2 == 0) {
        threads[i].for_real(round.x, round.y, round.seen[i]);
      } else {
        threads[i].for_real(round.y, round.x, round.seen[i]);
      }
    }
  };
  {
    std::vector<std::jthread> running;
    for (int i = 0; i < std::ssize(threads); ++i) running.emplace_back(play_all, i);
  }  // ~jthread joins here
  const auto bad_rounds = std::ranges::count(all, bad, &Round::seen);
  pdc::say("real threads: bad in {} of {} rounds", bad_rounds, rounds);
}

}  // namespace

void Place::store(int /*1*/, std::memory_order order) {
  code.push_back({Access::Kind::store, number, order});
}

int Place::load(std::memory_order order) {
  code.push_back({Access::Kind::load, number, order});
  return 0;
}

void fence(Place& any, std::memory_order order) {
  any.code.push_back({Access::Kind::fence, any.number, order});
}

Found try_out(const std::vector<Body>& threads, const Outcome& bad, int rounds) {
  const Found found = explore(threads, bad);
  play_rounds(threads, bad, rounds);
  return found;
}
