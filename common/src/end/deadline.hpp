// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

namespace pdc::detail {

/// Installs the handler that the deadline and failing children use.
void catch_signal();

/// What the main thread is in from now on; the deadline says it.
void set_main_act(std::string_view name);

}  // namespace pdc::detail
