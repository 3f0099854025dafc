// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace pdc {

/// Ends the program with status 3 after one line on standard error, "program: what: why; what to
/// do". For what the machine refused; thrown std::system_error ends the same way. MPI: all ranks
/// end.
[[noreturn]] void refuse(std::string_view reason);

}  // namespace pdc
