// SPDX-License-Identifier: MIT
#pragma once

/// An exception that nobody caught: has the machine refused something, or is the program wrong?
namespace pdc::detail {

/// Called instead of std::terminate: status 3 for what the machine refused, else 1.
[[noreturn]] void end_by_exception();

}  // namespace pdc::detail
