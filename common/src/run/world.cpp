// SPDX-License-Identifier: MIT
#include "run/world.hpp"

#include <unistd.h>

#include "picture/arena.hpp"

namespace pdc::detail {

World& world() {
  static World instance;
  return instance;
}

bool is_child() noexcept {
  const Arena* a = arena.load(std::memory_order_relaxed);
  return a != nullptr && a->owner != getpid();
}

bool is_narrator() noexcept {
  return world().rank == 0 && !is_child();
}

}  // namespace pdc::detail
