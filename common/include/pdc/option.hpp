// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>
#include <variant>

/// What a program lets its command line choose: `--threads 8`, `--threads=8`, `--loud`.
namespace pdc {

struct Range {
  double lowest = 0;
  double highest = 1'000'000'000;  // both ends are allowed
};

/// One option. Its default tells its kind: a whole number, a real number, a word that is not empty,
/// or a flag, which is off and takes no value. The range is for numbers. What is out of it, or not
/// of that kind, ends the program with status 2 and a line that says what is allowed.
///
///     {"threads", 4, "runners", {2, 64}}
///
/// Requires: the name has no `--` in front and is none of those that every program has (program.hpp);
/// name and meaning outlive the Program, as literals do. A flag's default is false.
struct Option {
  std::string_view name;
  std::variant<int, double, std::string, bool> value;
  std::string_view meaning;  // with the unit
  Range range = {};
};

}  // namespace pdc
