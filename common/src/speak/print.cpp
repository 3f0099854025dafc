// SPDX-License-Identifier: MIT
#include "pdc/print.hpp"

#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "pdc/refuse.hpp"
#include "run/run.hpp"
#include "run/world.hpp"
#include "run/write_all.hpp"
#include "speak/print.hpp"
#include "speak/terminal.hpp"

namespace pdc::detail {

void write_out(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text))
    refuse("write to standard output: " + std::generic_category().message(errno));
}

void print_title() {
  if (run().output == Output::text && is_narrator() && run().title_due.exchange(false)) {
    write_out(wrapped(fmt::format("{}: {}", run().name, run().summary), 2) + "\n");
  }
}

void say(fmt::string_view text, fmt::format_args args) {
  if (run().output != Output::text || world().rank != 0) return;
  print_title();
  const std::string indent = run().scene.empty() ? "" : "  ";
  write_out(wrapped(indent + fmt::vformat(text, args), indent.size() + 2) + "\n");
}

}  // namespace pdc::detail
