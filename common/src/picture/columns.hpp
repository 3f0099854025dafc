// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace pdc::detail {

/// How many columns the text takes, in UTF-8.
int columns(std::string_view text);

}  // namespace pdc::detail
