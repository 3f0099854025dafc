// SPDX-License-Identifier: MIT
#include "run/run.hpp"

namespace pdc::detail {

Run& run() {
  static Run instance;
  return instance;
}

}  // namespace pdc::detail
