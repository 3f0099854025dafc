// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <atomic>
#include <vector>

/// What the threads of a very small program may see, as C++ has it, and what they do see here; for
/// memory_order and fences. It has two places, x and y. Each is 0 at first, and one thread stores a 1.

struct Access;

/// The model's std::atomic<int>: it writes down what a thread asks of it.
struct Place {
  std::vector<Access>& code;  // of this thread
  int number;
  void store(int, std::memory_order order);
  int load(std::memory_order order);  // what it sees is not known yet: 0
};
void fence(Place& any, std::memory_order order);

using Loads = std::array<int, 2>;    // what the loads of a thread see: two at most, in their order
using Outcome = std::vector<Loads>;  // of each thread

/// What a thread does: the same code for the model, and for real.
struct Body {
  Body(auto run) : in_model(run), for_real(run) {}
  void (*in_model)(Place& first, Place& second, Loads& seen);
  void (*for_real)(std::atomic<int>& first, std::atomic<int>& second, Loads& seen);
};

struct Found {
  int outcomes = 0;     // all that are possible
  bool is_bad = false;  // the bad one is among them
};

/// Tries all that may happen, and draws a bad outcome, or another one if it cannot be. Then real
/// threads run, so many times; says how often it was bad. Even threads take x first, odd ones y.
Found try_out(const std::vector<Body>& threads, const Outcome& bad, int rounds);
