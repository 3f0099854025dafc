// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

/// Claims: what a program says, held against evidence. Not assert(): they hold in every build type.
namespace pdc {

namespace detail {
enum class Then { go_on, end };  // what becomes of the program after a failed claim
void check(bool holds, Then then, std::string_view claim, fmt::string_view evidence,
           fmt::format_args args);
}  // namespace detail

/// Prints `[ok] claim (evidence)` or `[failed] claim (evidence)`, and the program goes on either
/// way, so that one run shows all that is wrong. After a failed claim Program::finish() returns 1.
///
///     pdc::check(counter == threads, "with the mutex every update counts", "{} of {}", counter,
///     threads);
///
/// Requires: a claim about correctness, never about time; the expected value does not come from the
/// code under test; what follows is safe to run when the claim has failed, else require().
/// Guarantees: a failed claim is never lost. Whatever ends the program before finish() has its own
/// status (an exception 1 or 3, the deadline 4), and the claim has been printed. If main returns or
/// calls exit() without finish(), the status is 1. A forked child has no finish(): there a failed
/// claim ends the whole program, as require() does, and one that holds is silent.
/// MPI: rank 0 prints what it claims itself. What fails on another rank it prints in finish(), as
/// `[failed] claim (on rank 2: evidence)`, unless the same claim has failed on rank 0 as well.
/// With --json nothing but the report is printed, and all claims are in it with their verdicts.
/// Thread safety: any thread. Errors: status 3 if standard output cannot be written.
template <class... Args>
void check(bool holds, std::string_view claim, fmt::format_string<Args...> evidence,
           Args&&... args) {
  detail::check(holds, detail::Then::go_on, claim, evidence, fmt::make_format_args(args...));
}

inline void check(bool holds, std::string_view claim) {
  detail::check(holds, detail::Then::go_on, claim, "", {});
}

/// As check(), for a claim that the rest of the program builds on: if it fails, the program ends at
/// once with status 1, and with it all its threads, the parent of a forked child, and all MPI ranks.
///
///     pdc::require(writer.wait().good(), "the writer wrote its number");
///     // Only now: to read what was never written would wait for ever.
///
/// It is a function of its own, and not a result of check() to be tested by `if`, because it works
/// at any depth below main, and on one MPI rank alone, where a page has nothing to return to.
template <class... Args>
void require(bool holds, std::string_view claim, fmt::format_string<Args...> evidence,
             Args&&... args) {
  detail::check(holds, detail::Then::end, claim, evidence, fmt::make_format_args(args...));
}

inline void require(bool holds, std::string_view claim) {
  detail::check(holds, detail::Then::end, claim, "", {});
}

}  // namespace pdc
