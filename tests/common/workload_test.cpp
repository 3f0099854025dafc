// SPDX-License-Identifier: MIT
#include "pdc/workload.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

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

std::vector<pdc::MandelbrotPixel> rows_of(const pdc::MandelbrotView& view) {
  const auto width = static_cast<std::size_t>(view.width);
  std::vector<pdc::MandelbrotPixel> pixels(width * static_cast<std::size_t>(view.height));
  for (int row = 0; row < view.height; ++row)
    pdc::mandelbrot_row(view, row,
                        std::span(pixels).subspan(static_cast<std::size_t>(row) * width, width));
  return pixels;
}

TEST(Mandelbrot, TheDefaultViewHasTheKnownChecksum) {
  EXPECT_EQ(pdc::mandelbrot_checksum(rows_of({})), pdc::mandelbrot_known);
}

TEST(Mandelbrot, PointsThatAreKnownByHand) {
  const auto at = [](double x, double y) {  // one pixel, whose centre is the centre of the view
    return rows_of({.width = 1, .height = 1, .x = x, .y = y, .span = 1, .depth = 100})[0]
        .iterations;
  };
  EXPECT_EQ(at(0, 0), 100);   // stays at 0
  EXPECT_EQ(at(-1, 0), 100);  // 0, -1, 0, -1, ...
  EXPECT_EQ(at(-2, 0), 100);  // 0, -2, 2, 2, ...
  EXPECT_EQ(at(0, 1), 100);   // ends in -1 + i, -i
  EXPECT_EQ(at(300, 0), 1);   // beyond 256 at once
  EXPECT_EQ(at(2, 0), 4);     // 2, 6, 38, 1446
  EXPECT_EQ(at(1, 0), 5);     // 1, 2, 5, 26, 677
}

TEST(Mandelbrot, TheUpperRowIsTheUpperEdgeAndTheSetIsSymmetric) {
  const pdc::MandelbrotView view{.width = 40, .height = 30};
  const auto pixels = rows_of(view);
  for (std::size_t row = 0; row < 15; ++row) {
    for (std::size_t x = 0; x < 40; ++x)
      EXPECT_EQ(pixels[row * 40 + x].iterations, pixels[(29 - row) * 40 + x].iterations);
  }
  const auto above = rows_of({.width = 9, .height = 9, .x = 0, .y = 4, .span = 7});
  EXPECT_LT(above.front().iterations, above.back().iterations);  // farther from the set
}

TEST(Mandelbrot, SmoothIsWithinOneIterationBelow) {
  for (const pdc::MandelbrotPixel& pixel : rows_of({.width = 64, .height = 48, .depth = 200})) {
    EXPECT_LE(pixel.smooth, static_cast<float>(pixel.iterations) + 0.001F);
    EXPECT_GE(pixel.smooth, static_cast<float>(pixel.iterations) - 1.7F);
  }
}

TEST(Mandelbrot, TheChecksumKnowsValueAndPlace) {
  std::vector<pdc::MandelbrotPixel> pixels{{1, 0}, {2, 0}, {3, 0}};
  const auto sum = pdc::mandelbrot_checksum(pixels);
  std::swap(pixels[0], pixels[1]);
  EXPECT_NE(pdc::mandelbrot_checksum(pixels), sum);
  std::swap(pixels[0], pixels[1]);
  EXPECT_EQ(pdc::mandelbrot_checksum(pixels), sum);
  pixels[2].smooth = 1;  // colours do not count
  EXPECT_EQ(pdc::mandelbrot_checksum(pixels), sum);
  EXPECT_EQ(pdc::mandelbrot_checksum({}), 0xcbf29ce484222325);  // FNV-1a of nothing
}

}  // namespace
