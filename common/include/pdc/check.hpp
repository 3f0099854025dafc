// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

/// Claims: what a program says, held against evidence. Not assert(): they hold in every build type.
namespace pdc {

namespace detail {
void check(bool holds, std::string_view claim, fmt::string_view evidence, fmt::format_args args);
}

/// Prints `[ok] claim (evidence)`, or prints what failed and ends the program with status 1: the
/// whole program, from any thread, from a forked child (its parent ends too) and from any MPI rank
/// (all ranks end).
///
///     pdc::check(counter == threads, "with the mutex every update counts", "{} of {}", counter,
///     threads);
///
/// Only the first process (rank 0) prints claims that hold; elsewhere they are silent.
/// Requires: a claim about correctness, never about time; the expected value does not come from the
/// code under test. Thread safety: any thread. A program that has made no claim by its end has
/// failed (Program::finish).
template <class... Args>
void check(bool holds, std::string_view claim, fmt::format_string<Args...> evidence,
           Args&&... args) {
  detail::check(holds, claim, evidence, fmt::make_format_args(args...));
}

inline void check(bool holds, std::string_view claim) {
  detail::check(holds, claim, "", {});
}

}  // namespace pdc
