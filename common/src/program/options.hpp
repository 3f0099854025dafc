// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <stdexcept>
#include <string_view>
#include <variant>
#include <vector>

#include "run/run.hpp"

/// The command line.
namespace pdc::detail {

/// Reads it into run(): the declared options and those that every program has. Ends the program for
/// --help, --version and whatever is wrong.
void read_options(int argc, char** argv, std::vector<Option> declared);

/// The value of an option of that kind. Errors: std::logic_error if none was declared so.
template <class Value>
const Value& option_value(std::string_view name) {
  for (const Option& option : run().options) {
    const Value* value = std::get_if<Value>(&option.value);
    if (option.name == name && value != nullptr) return *value;
  }
  throw std::logic_error(fmt::format("no option --{} of that kind was declared", name));
}

}  // namespace pdc::detail
