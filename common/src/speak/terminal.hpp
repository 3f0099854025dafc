// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

/// Who reads standard output: how wide their lines are, and whether they see colours.
namespace pdc::detail {

/// Whether to write in colour: on a terminal, unless NO_COLOR is set.
bool in_colour();

/// How wide a chart is to be: as the terminal, or COLUMNS, else 80; from 50 to 160.
int chart_width();

/// The text with its long lines broken at blanks as wide as a chart, each continued `hang` columns
/// from the left. Unbroken where nobody reads it in columns: no terminal, and COLUMNS is not set.
std::string wrapped(std::string_view text, std::size_t hang);

}  // namespace pdc::detail
