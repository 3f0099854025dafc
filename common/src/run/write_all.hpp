// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace pdc::detail {

/// Writes all of it, however many calls that takes. False, with errno, if that fails. In a signal
/// handler too.
bool write_all(int descriptor, std::string_view text) noexcept;

}  // namespace pdc::detail
