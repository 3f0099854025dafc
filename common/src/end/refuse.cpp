// SPDX-License-Identifier: MIT
#include "pdc/refuse.hpp"

#include "end/end.hpp"

namespace pdc {

void refuse(std::string_view reason) {
  detail::end_program(3, reason);
}

}  // namespace pdc
