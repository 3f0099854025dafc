// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// The ends of a program but the one by return from main.
namespace pdc::detail {

/// Ends every process and rank of this program with that status, from wherever it is called. Where
/// several do so at once, the first one's `last_words` alone are printed.
[[noreturn]] void end_program(int status, std::string_view last_words,
                              std::string_view last_output = "");

/// Ends all ranks with that status; each of them calls it.
[[noreturn]] void leave_together(int status);

/// The same with status 2 after one line, "program: message".
[[noreturn]] void reject(std::string_view message);

}  // namespace pdc::detail
