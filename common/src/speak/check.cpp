// SPDX-License-Identifier: MIT
#include "pdc/check.hpp"

#include <algorithm>

#include "run/run.hpp"
#include "speak/terminal.hpp"

namespace pdc::detail {
namespace {

/// For the deadline and other early ends, which have no other way to tell it.
void keep_unsaid(std::string_view line) {
  Run& r = run();
  const std::string text = fmt::format("{}: {}\n", r.name, line);
  const std::size_t size = r.unsaid_size;
  if (size + text.size() > r.unsaid.size()) return;
  std::ranges::copy(text, r.unsaid.begin() + static_cast<std::ptrdiff_t>(size));
  r.unsaid_size = size + text.size();
}

}  // namespace

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

void check(bool holds, Then then, std::string_view claim, fmt::string_view evidence,
           fmt::format_args args) {
  if (holds && !is_narrator()) return;
  Claim made{std::string(claim), fmt::vformat(evidence, args), holds};
  if (world().rank != 0) {
    made.evidence = fmt::format("on rank {}{}{}", world().rank, made.evidence.empty() ? "" : ": ",
                                made.evidence);
  }
  const std::string line = claim_line(made);
  const bool ends = !holds && then == Then::end;
  if (is_child() || (ends && !is_narrator())) end_program(1, line);

  Run& r = run();
  std::unique_lock lock(r.mutex);
  const bool first = r.claims.empty();
  r.claims.push_back(std::move(made));
  print_title();
  if (is_narrator() && r.output != Output::json) {
    if (r.output == Output::text) {
      name_svg();
      if (first) write_out("\n");
    }
    write_out(wrapped(line, holds ? 5 : 9) + "\n");
  } else if (!holds) {
    keep_unsaid(line);
  }
  if (holds) return;
  r.verdict_due = true;
  if (!ends) return;
  const std::string last_words = verdict() + "; what follows needs it, so it ends here";
  const std::string report = r.output == Output::json ? json_report() : "";
  lock.unlock();
  end_program(1, last_words, report);
}

}  // namespace pdc::detail
