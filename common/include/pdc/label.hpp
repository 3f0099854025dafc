// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <array>
#include <utility>

/// Text of a fixed size, which fits into memory that processes share.
namespace pdc {

using Label = std::array<char, 32>;  // ends with a zero

namespace detail {

/// Takes away the last bytes of a full label if they are the beginning of a longer UTF-8 character.
void drop_broken_character(Label& label) noexcept;

/// The text, cut where it is longer than its place. Thread safety: any. Errors: none.
template <class... Args>
Label label(fmt::format_string<Args...> text, Args&&... args) {
  Label result{};  // the last byte stays zero
  const auto whole =
      fmt::format_to_n(result.data(), result.size() - 1, text, std::forward<Args>(args)...);
  if (whole.size >= result.size()) drop_broken_character(result);
  return result;
}

}  // namespace detail
}  // namespace pdc
