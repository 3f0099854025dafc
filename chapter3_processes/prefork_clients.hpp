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
  pdc::Gauge children;                                    // started, and not yet waited for
  std::atomic<int> started = 0, deaths = 0, answers = 0;  // deaths: that the parent has seen
  int before = 0, unanswered = 0;  // answers before the silent client's; clients that got none
};

/// Forced: the first in the queue says nothing, as long as a child is left for the others.
void come_after_silence(const sockaddr_in& server, Day& day);

/// Forced: as many requests that kill as there are children, and then the others.
void come_after_crashes(const sockaddr_in& server, Day& day);
