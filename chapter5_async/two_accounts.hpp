// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/timeline.hpp"

#include <array>
#include <cstddef>
#include <string_view>

/// Three processes, one of which is killed and started again, for the page two_phase_commit.

enum Word : char {
  nothing,
  prepare,
  yes,
  no,
  committed,
  aborted,
  done,
  ask,
  blocked,
  unblocked,
  end
};
constexpr std::array<std::string_view, 11> names = {
    "nothing", "prepare", "yes", "no", "commit", "abort", "done", "ask", "blocked", "free", "end"};

/// What is in it outlives its process.
class Log {
 public:
  Log();
  void append(Word word) const;
  Word last() const;

 private:
  pdc::Descriptor file_;
};

/// Sends and writes, and after so many of these steps it is killed.
struct Process {
  const pdc::Lane lane;
  const bool agrees = true;               // to a payment
  pdc::Descriptor here = {}, there = {};  // of an account: its end, and that of the coordinator
  const Log log = {};
  int steps_left = -1;  // steps until it is killed; -1: it is not

  void step();  // in two_phase_commit.cpp
  void write_down(Word word);
  void send(const pdc::Descriptor& socket, Word word);
  Word receive(const pdc::Descriptor& socket) const;
  Word look() const;  // of an account: at the next message, which stays there
  void drop() const;  // that message
};

using Accounts = std::array<Process, 2>;
using Act = void(Process& coordinator, Accounts& accounts);

// In two_phase_commit.cpp:
Act finish;
void keep_account(Process& self);

struct Kill {
  std::size_t process;  // 0 is the coordinator
  int steps;
};

struct Outcome {
  bool was_killed;
  int blocked;  // accounts, while the coordinator was dead
  Word a, b;    // in the log of each account in the end
  int money;    // of both together; 200 if none is lost
};

/// Three processes make a payment; the one that is killed is started again.
Outcome live_through(Kill kill, bool b_agrees, Act* pay);
