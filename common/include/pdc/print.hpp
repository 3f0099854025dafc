// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <string>
#include <string_view>
#include <utility>

/// Narration on standard output, one whole line at a time.
namespace pdc {

namespace detail {
void say(fmt::string_view text, fmt::format_args args);
}

/// Prints one line, indented while a scene runs. Nothing is printed with --quiet or --json, nor by
/// an MPI rank other than 0 (mpi.hpp prints in rank order).
///
/// Guarantees: the line goes out whole, in one write, and at once: no buffer that a fork would
/// double. Thread safety: any thread, any forked child. Errors: ends the program with status 3 when
/// standard output cannot be written, a broken pipe included.
template <class... Args>
void say(fmt::format_string<Args...> text, Args&&... args) {
  detail::say(text, fmt::make_format_args(args...));
}

/// What stands in the range, with the separator in between: "3, 1, 2". As fmt::join does, which
/// would compile a large part of that library into every page.
std::string join(const auto& range, std::string_view separator = ", ") {
  std::string joined;
  bool is_first = true;
  for (const auto& each : range) {
    if (!is_first) joined += separator;
    joined += fmt::format("{}", each);
    is_first = false;
  }
  return joined;
}

}  // namespace pdc
