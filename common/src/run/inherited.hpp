// SPDX-License-Identifier: MIT
#pragma once

namespace pdc::detail {

/// Undoes what whoever started this process may have left to it: standard descriptors that are
/// closed, signals that are ignored or blocked. Requires: the only thread.
void reset_inherited();

}  // namespace pdc::detail
