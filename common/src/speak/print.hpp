// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

/// Standard output.
namespace pdc::detail {

/// Writes all of it. Errors: ends the program with status 3.
void write_out(std::string_view text);

/// The program's first line, if it is still to be printed.
void print_title();

}  // namespace pdc::detail
