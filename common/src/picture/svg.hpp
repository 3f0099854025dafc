// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "picture/picture.hpp"

namespace pdc::detail {

/// SVGs with a panel for each picture, all in the first one if that fits into 800 px of height. At
/// least one.
std::vector<std::string> svg(const std::string& name, const std::string& summary,
                             std::vector<Picture> pictures);

}  // namespace pdc::detail
