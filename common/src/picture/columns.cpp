// SPDX-License-Identifier: MIT
#include "picture/columns.hpp"

#include <algorithm>

namespace pdc::detail {

int columns(std::string_view text) {  // bytes but the inner ones of UTF-8
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace pdc::detail
