// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "picture/picture.hpp"

namespace pdc::detail {

/// The chart for a terminal, `width` columns wide. Lines end with \n.
std::string chart(const Picture& picture, int width, bool colour);

}  // namespace pdc::detail
