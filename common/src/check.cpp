// SPDX-License-Identifier: MIT
#include "pdc/check.hpp"

#include "runtime.hpp"

namespace pdc::detail {

void check(bool holds, std::string_view claim, fmt::string_view evidence, fmt::format_args args) {
  if (holds && !is_narrator()) return;
  Claim made{std::string(claim), fmt::vformat(evidence, args), holds};
  const std::string line =
      made.evidence.empty() ? made.text : fmt::format("{} ({})", made.text, made.evidence);
  Run& r = run();
  std::unique_lock lock(r.mutex);
  const bool first = r.claims.empty();
  r.claims.push_back(std::move(made));
  const bool json = r.output == Output::json;
  print_title();
  if (holds) {
    if (json) return;
    const bool blank_line = first && r.output == Output::text;
    write_out(fmt::format("{}[ok] {}\n", blank_line ? "\n" : "", line));
    return;
  }
  const std::string report = is_narrator() && json ? json_report(false) : "";
  lock.unlock();
  end_program(1, fmt::format("[failed] {}", line), report);
}

}  // namespace pdc::detail
