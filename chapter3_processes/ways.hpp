// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/program.hpp"

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

/// What ipc.cpp compares, and ipc_times.cpp measures.

constexpr std::size_t small = 64;  // bytes of an answer

enum Side { sender, receiver };
using Line = std::function<void(Side, std::span<char>)>;  // one direction: sends, or fills all
struct Way {
  std::string name;
  Line there, back;
};
using Ways = std::array<Way, 3>;

using Exchange = bool(const Way& way, Side side, std::span<char> message, int times);
using RunBoth = void(const std::function<void(Side)>& act);

/// Says how long each way takes, in as many rounds as --rounds says. Requires: 1 MiB of data.
void measure(pdc::Program& program, const Ways& ways, std::span<char> data, Exchange& exchange,
             RunBoth& run_both);
