// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "picture/picture.hpp"

namespace pdc::detail {

/// Chrome trace events (Perfetto reads them), one picture after the other.
std::string trace(const std::string& name, const std::vector<Picture>& pictures);

}  // namespace pdc::detail
