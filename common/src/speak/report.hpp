// SPDX-License-Identifier: MIT
#pragma once

#include <boost/json/array.hpp>
#include <string>

/// The run in JSON. Requires: run().mutex is held, or nobody else makes claims.
namespace pdc::detail {

/// The object that --json prints.
std::string json_report();

/// The claims in it.
boost::json::array json_claims();

}  // namespace pdc::detail
