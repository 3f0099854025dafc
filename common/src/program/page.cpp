// SPDX-License-Identifier: MIT
#include "pdc/page.hpp"

#include <exception>
#include <string_view>

#include "end/exception.hpp"
#include "run/inherited.hpp"
#include "run/run.hpp"

namespace pdc {

Page::Page(const char* name, const char* chapter, const char* header) {
  std::set_terminate(detail::end_by_exception);
  detail::reset_inherited();  // now, before MPI_Init opens descriptors and starts threads
  detail::run().name = name;
  detail::run().chapter = chapter;
  detail::run().header = header;
  const std::string_view text = header;
  const std::string_view first = text.substr(0, text.find('\n'));
  detail::run().summary = first.substr(first.find(": ") + 2);
  if (detail::run().summary.ends_with('.')) detail::run().summary.pop_back();
}

}  // namespace pdc
