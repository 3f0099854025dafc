#include "pdc/workload.hpp"

#include <vector>

namespace pdc {

bool is_prime(std::int64_t n) noexcept {
  if (n < 2) return false;
  if (n % 2 == 0) return n == 2;
  for (std::int64_t divisor = 3; divisor * divisor <= n; divisor += 2) {
    if (n % divisor == 0) return false;
  }
  return true;
}

std::int64_t count_primes(std::int64_t first, std::int64_t last) noexcept {
  std::int64_t count = 0;
  for (std::int64_t n = first; n < last; ++n) count += is_prime(n) ? 1 : 0;
  return count;
}

std::int64_t sieve_primes(std::int64_t n) {
  std::vector<bool> composite(static_cast<std::size_t>(n));
  std::int64_t count = 0;
  for (std::int64_t i = 2; i < n; ++i) {
    if (composite[static_cast<std::size_t>(i)]) continue;
    ++count;
    for (std::int64_t multiple = i * i; multiple < n; multiple += i)
      composite[static_cast<std::size_t>(multiple)] = true;
  }
  return count;
}

}  // namespace pdc
