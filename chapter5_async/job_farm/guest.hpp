// SPDX-License-Identifier: MIT
#pragma once

#include "farm.hpp"
#include "link.hpp"

#include "pdc/timeline.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <optional>
#include <string>

/// Who the coordinator talks with.
namespace job_farm {

using Clock = std::chrono::steady_clock;

/// A connection to a worker that has proved that it knows the secret.
struct Guest {
  explicit Guest(Link* connection) : link(connection) {}

  Link* link;
  std::string name;
  std::deque<Deal> hand;  // it works on the first
  Clock::time_point heard = Clock::now();
  bool silent = false;
  std::optional<pdc::Lane> lane;  // of the picture, and what it does now
  std::optional<pdc::Span> bar;

  void show() {
    bar.reset();
    if (hand.empty()) return;
    bar.emplace(silent ? lane->wait("silent") : lane->work("{}", hand.front().task));
  }
};

inline void draw_arrow(const pdc::Lane& from, const pdc::Lane& to, const std::string& what) {
  { const auto send = from.send("{}", what); }
  { const auto receive = to.receive("{}", what); }
}

/// For a page that wants to know what happens.
struct Events {
  std::function<void(Guest&)> come = [](Guest&) {};
  std::function<void(Guest&, int)> beat = [](Guest&, int) {};  // it is in mid-task
  std::function<void(int)> done = [](int) {};                  // a result that counts
  std::function<bool()> awaits_more = [] { return false; };    // when all tasks are answered
};

}  // namespace job_farm
