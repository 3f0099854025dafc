// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

/// Counts the allocations of a benchmark, its page's too. Include it once, in the benchmark.
namespace bench {

inline std::atomic<std::int64_t> allocations = 0;

}  // namespace bench

// Out of line: g++ takes the `free` of one beside the `new` of the other for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
  bench::allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
