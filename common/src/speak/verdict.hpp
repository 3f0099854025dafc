// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "run/run.hpp"

/// What became of the claims.
namespace pdc::detail {

/// `[ok] claim (evidence)`.
std::string claim_line(const Claim& claim);

/// "2 of 5 claims failed". Requires: run().mutex is held, or nobody else makes claims.
std::string verdict();

/// Rank 0 hears and prints what failed on the others. Collective. Requires: as verdict().
void gather_failures();

}  // namespace pdc::detail
