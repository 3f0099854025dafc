// SPDX-License-Identifier: MIT
#include "pdc/check.hpp"

#include "end/complain.hpp"
#include "end/end.hpp"
#include "run/run.hpp"
#include "run/world.hpp"
#include "speak/print.hpp"
#include "speak/report.hpp"
#include "speak/show.hpp"
#include "speak/terminal.hpp"
#include "speak/verdict.hpp"

namespace pdc::detail {

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
