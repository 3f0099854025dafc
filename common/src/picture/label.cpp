// SPDX-License-Identifier: MIT
#include "pdc/label.hpp"

#include <algorithm>

namespace pdc::detail {

void drop_broken_character(Label& label) noexcept {
  std::size_t start = label.size() - 2;  // of the last character; the label ends with a zero
  while (start > 0 && (label[start] & 0xc0) == 0x80) --start;
  const auto lead = static_cast<unsigned char>(label[start]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (start + length < label.size()) return;
  std::fill(label.begin() + static_cast<std::ptrdiff_t>(start), label.end(), '\0');
}

}  // namespace pdc::detail
