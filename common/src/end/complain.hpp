// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// What a program says on standard error.
namespace pdc::detail {

/// One line, "program: message".
void complain(std::string_view message);

/// Keeps such a line about a failed claim, which standard output has not seen, for the deadline and
/// other early ends: they have no other way to tell it. Requires: run().mutex is held.
void keep_unsaid(std::string_view message);

/// Says what was kept. In a signal handler too.
void say_unsaid() noexcept;

}  // namespace pdc::detail
