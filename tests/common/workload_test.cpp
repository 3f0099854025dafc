#include "pdc/workload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace {

constexpr std::array<std::int64_t, 25> primes_below_100 = {
    2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};

TEST(Workload, IsPrimeAgreesWithTheTable) {
  for (std::int64_t n = -10; n <= 100; ++n) {
    const bool in_table = std::ranges::binary_search(primes_below_100, n);
    EXPECT_EQ(pdc::is_prime(n), in_table) << n;
  }
}

TEST(Workload, IsPrimeKnowsLargeNumbers) {
  EXPECT_TRUE(pdc::is_prime(2'147'483'647));    // 2^31 - 1
  EXPECT_FALSE(pdc::is_prime(4'294'967'297));   // 2^32 + 1 = 641 * 6700417
  EXPECT_FALSE(pdc::is_prime(10'000'600'009));  // the square of a prime
}

TEST(Workload, CountPrimesCountsAHalfOpenRange) {
  EXPECT_EQ(pdc::count_primes(0, 100), 25);
  EXPECT_EQ(pdc::count_primes(2, 3), 1);
  EXPECT_EQ(pdc::count_primes(90, 97), 0);
  EXPECT_EQ(pdc::count_primes(97, 98), 1);
  EXPECT_EQ(pdc::count_primes(7, 7), 0);
  EXPECT_EQ(pdc::count_primes(9, 5), 0);
  EXPECT_EQ(pdc::count_primes(0, 500) + pdc::count_primes(500, 1000), 168);
}

TEST(Workload, SievePrimesGivesTheKnownCounts) {
  EXPECT_EQ(pdc::sieve_primes(0), 0);
  EXPECT_EQ(pdc::sieve_primes(2), 0);
  EXPECT_EQ(pdc::sieve_primes(3), 1);
  std::int64_t n = 1;
  for (const int known : {4, 25, 168, 1229, 9592, 78498})
    EXPECT_EQ(pdc::sieve_primes(n *= 10), known) << n;
}

TEST(Workload, SieveAndTrialDivisionAgree) {
  std::int64_t counted = 0;
  for (std::int64_t n = 0; n < 2000; ++n) {
    EXPECT_EQ(pdc::sieve_primes(n), counted) << n;
    counted += pdc::count_primes(n, n + 1);
  }
}

}  // namespace
