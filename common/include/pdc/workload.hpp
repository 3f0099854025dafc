#pragma once

#include <cstdint>

/// The problems that programs share. Pure functions: any thread, no errors.
namespace pdc {

/// Whether n is prime, by trial division: honest work that grows with the square root of n, and
/// that no compiler folds. Out of line, so that the serial and the parallel version run the same
/// code.
bool is_prime(std::int64_t n) noexcept;

/// How many of first, first + 1, ..., last - 1 are prime, one trial division each.
std::int64_t count_primes(std::int64_t first, std::int64_t last) noexcept;

/// How many primes are below n, by the sieve of Eratosthenes: the reference that shares no code
/// with the above. Requires: 0 <= n; takes a bit of memory for each number below n.
std::int64_t sieve_primes(std::int64_t n);

}  // namespace pdc
