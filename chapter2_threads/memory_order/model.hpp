// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

/// A model of two threads that share x and y: it tries every order in which C++ lets their accesses
/// take effect if all threads see the same order. C++ allows more still: two threads may see the stores of
/// two others in different orders, unless all are seq_cst. A processor allows less: x86 lets a load
/// overtake an earlier store, and nothing else.
namespace model {

using Loads = std::array<int, 2>;  // what the threads have read, in the order of the code

struct Access {
  enum Kind { store, load, fence } kind;
  std::memory_order order;
  int thread, place;
  std::string text;
};

/// Stands for a std::atomic<int>, 0 is x and 1 is y: writes down what a thread asks of it.
/// Requires: code without branches, as what a load sees is not known yet.
struct Place {
  std::vector<Access>& asked;
  int thread, number;

  void store(int /*1*/, std::memory_order order) { ask(Access::store, order, "set"); }
  int load(std::memory_order order) {
    ask(Access::load, order, "see");
    return 0;  // what it sees is known only when an order is tried
  }
  void fence(std::memory_order order) {
    if (order != std::memory_order_seq_cst)
      throw std::invalid_argument("the model knows seq_cst fences only");
    ask(Access::fence, order, "fence before");
  }

 private:
  void ask(Access::Kind kind, std::memory_order order, const char* what) {
    asked.push_back({kind, order, thread, number, fmt::format("{} {}", what, "xy"[number])});
  }
};

/// Whether a thread may do the later access before the earlier one. Of fences, the model knows
/// those with seq_cst.
inline bool may_overtake(const Access& later, const Access& earlier) {
  constexpr auto seq_cst = std::memory_order_seq_cst;
  const auto is = [](const Access& access, Access::Kind kind, std::memory_order order) {
    return access.kind == kind && (access.order == order || access.order == seq_cst);
  };
  if (is(later, Access::fence, seq_cst) || is(earlier, Access::fence, seq_cst)) return false;
  if (is(earlier, Access::load, std::memory_order_acquire)) return false;
  if (is(later, Access::store, std::memory_order_release)) return false;
  if (earlier.order == seq_cst && later.order == seq_cst) return false;
  return later.place != earlier.place;
}

using Order = std::vector<int>;  // of accesses, each by its number in the code

inline bool is_allowed(const Order& order, const std::vector<Access>& code) {
  for (auto next = order.begin(); next != order.end(); ++next) {
    const auto lets_it_pass = [&](int waiting) {
      return waiting > *next || code[waiting].thread != code[*next].thread ||
             may_overtake(code[*next], code[waiting]);
    };
    if (!std::all_of(next + 1, order.end(), lets_it_pass)) return false;
  }
  return true;
}

inline Loads run(const Order& order, const std::vector<Access>& code) {
  std::array<int, 2> memory = {};
  std::vector<int> seen(code.size());
  for (const int number : order) {
    int& place = memory[code[number].place];
    if (code[number].kind == Access::store) place = 1;
    seen[number] = place;
  }
  Loads loads = {};
  std::size_t count = 0;
  for (std::size_t i = 0; i < code.size(); ++i)
    if (code[i].kind == Access::load) loads[count++] = seen[i];
  return loads;
}

struct Tried {
  std::vector<Access> code = {};
  int orders = 0, bad = 0;  // of those that are allowed
  Order example = {};       // the first bad one, or the last of all
};

/// Both threads' code gets two places, x and y, and loads that it may write to.
Tried try_all_orders(const auto& first, const auto& second, const Loads& bad) {
  Tried tried;
  Loads unknown;
  Place x[] = {{tried.code, 0, 0}, {tried.code, 1, 0}},
        y[] = {{tried.code, 0, 1}, {tried.code, 1, 1}};
  first(x[0], y[0], unknown);
  second(x[1], y[1], unknown);
  Order order(tried.code.size());
  std::iota(order.begin(), order.end(), 0);
  do {
    if (!is_allowed(order, tried.code)) continue;
    if (tried.bad == 0) tried.example = order;
    ++tried.orders;
    if (run(order, tried.code) == bad) ++tried.bad;
  } while (std::ranges::next_permutation(order).found);
  return tried;
}

}  // namespace model
