// SPDX-License-Identifier: MIT
#include "end/complain.hpp"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "run/run.hpp"
#include "run/write_all.hpp"

namespace pdc::detail {
namespace {

std::string complaint(std::string_view message) {
  return fmt::format("{}: {}\n", run().name, message);
}

}  // namespace

void complain(std::string_view message) {
  write_all(STDERR_FILENO, complaint(message));
}

void keep_unsaid(std::string_view message) {
  Run& r = run();
  const std::string text = complaint(message);
  const std::size_t size = r.unsaid_size;
  if (size + text.size() > r.unsaid.size()) return;
  std::ranges::copy(text, r.unsaid.begin() + static_cast<std::ptrdiff_t>(size));
  r.unsaid_size = size + text.size();
}

void say_unsaid() noexcept {
  write_all(STDERR_FILENO, {run().unsaid.data(), run().unsaid_size});
}

}  // namespace pdc::detail
