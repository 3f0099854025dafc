// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/stage.hpp"

#include <netinet/in.h>

#include <atomic>

/// The clients that prefork_server plays, each set in one process. A request is one byte, and an
/// answer its place among all answers.
inline constexpr char plain = 'p', deadly = 'd';  // requests
inline constexpr int clients = 5;                 // with a plain request

/// In shared memory.
struct Day {
  explicit Day(int number) : children(number), all_wait(number + 1) {}
  const int children;                                     // at first
  pdc::Meeting all_wait;                                  // the children, and the clients
  std::atomic<int> started = 0, deaths = 0, answers = 0;  // deaths: that the parent has seen
  int most = 0, left = 0;          // children that the kernel knew at the same time, and in the end
  int before = 0, unanswered = 0;  // answers before the silent client's; clients that got none
};

/// Forced: the first in the queue says nothing until all children wait, for it or for others.
void come_after_silence(const sockaddr_in& server, Day& day);

/// Forced: as many requests that kill as there are children, and then the others.
void come_after_crashes(const sockaddr_in& server, Day& day);
