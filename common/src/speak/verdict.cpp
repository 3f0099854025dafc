// SPDX-License-Identifier: MIT
#include "speak/verdict.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <boost/json.hpp>

#include "run/world.hpp"
#include "speak/print.hpp"
#include "speak/report.hpp"

namespace pdc::detail {

std::string claim_line(const Claim& claim) {
  return fmt::format("[{}] {}{}{}{}", claim.holds ? "ok" : "failed", claim.text,
                     claim.evidence.empty() ? "" : " (", claim.evidence,
                     claim.evidence.empty() ? "" : ")");
}

std::string verdict() {
  const std::vector<Claim>& claims = run().claims;
  return fmt::format("{} of {} claims failed", std::ranges::count(claims, false, &Claim::holds),
                     claims.size());
}

void gather_failures() {
  namespace json = boost::json;
  const bool on_rank_0 = world().rank == 0;
  std::vector<Claim>& claims = run().claims;
  const std::string mine = on_rank_0 ? "" : json::serialize(json_claims());
  for (const std::string& theirs : world().gather_texts(mine)) {
    if (theirs.empty()) continue;
    const json::value report = json::parse(theirs);
    for (const json::value& failed : report.as_array()) {
      const Claim claim{json::value_to<std::string>(failed.at("claim")),
                        json::value_to<std::string>(failed.at("evidence")), false};
      const auto known = std::ranges::find(claims, claim.text, &Claim::text);
      if (known == claims.end()) {
        claims.push_back(claim);
      } else if (known->holds) {
        *known = claim;
      } else {
        continue;  // it has failed here as well, and that has been printed
      }
      if (run().output != Output::json) write_out(claim_line(claim) + "\n");
    }
  }
}

}  // namespace pdc::detail
