// SPDX-License-Identifier: MIT
#include "speak/report.hpp"

#include <algorithm>
#include <boost/json.hpp>
#include <variant>

#include "run/run.hpp"

namespace pdc::detail {

namespace json = boost::json;

json::array json_claims() {
  json::array claims;
  for (const Claim& c : run().claims) {
    claims.push_back(json::object{{"claim", c.text}, {"evidence", c.evidence}, {"holds", c.holds}});
  }
  return claims;
}

std::string json_report() {
  const Run& r = run();
  json::object options;
  for (const Option& option : r.options) {
    std::visit([&](const auto& value) { options[option.name] = json::value_from(value); },
               option.value);
  }
  json::array measurements;
  for (const Measurement& m : r.measurements) {
    measurements.push_back(json::object{{"name", m.name}, {"value", m.value}, {"unit", m.unit}});
  }
  const bool holds = std::ranges::all_of(r.claims, &Claim::holds);
  const json::object report{{"name", r.name},          {"chapter", r.chapter},
                            {"options", options},      {"measurements", measurements},
                            {"claims", json_claims()}, {"all_claims_hold", holds}};
  return json::serialize(report) + "\n";
}

}  // namespace pdc::detail
