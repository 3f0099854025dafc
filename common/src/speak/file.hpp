// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <string_view>

namespace pdc::detail {

/// Writes all of it. A file that is there stays as it is until the new one is whole. Errors: ends
/// the program with status 3.
void write_file(const std::string& path, std::string_view text);

}  // namespace pdc::detail
