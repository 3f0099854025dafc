// SPDX-License-Identifier: MIT
#pragma once

#include "played_clock.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <vector>

/// What rate_limit allows, and how it judges which requests have passed: by counting.

using namespace std::chrono_literals;
using Clock = PlayedClock;
using Milliseconds = std::chrono::milliseconds;

constexpr int burst = 4;                   // requests at once
constexpr Milliseconds per_request = 5ms;  // in the long run

struct Log {
  std::vector<Clock::time_point> passed = {};
  int too_many = 0, too_few = 0;
};

/// Whether one more may pass now: for every span of time that ends with it, all in it are counted.
inline bool fits(const Log& log) {
  auto count = std::ssize(log.passed) + 1;
  for (const auto first : log.passed) {
    if (count > burst + (Clock::now() - first) / per_request) return false;
    --count;
  }
  return true;
}

/// In the span of this length that has most.
inline std::ptrdiff_t most_within(Milliseconds span, const Log& log) {
  std::ptrdiff_t largest = 0;
  for (auto first = log.passed.begin(); first != log.passed.end(); ++first)
    largest = std::max(largest, std::upper_bound(first, log.passed.end(), *first + span) - first);
  return largest;
}
