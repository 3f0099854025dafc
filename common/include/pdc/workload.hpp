// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <span>
#include <string>

/// The problems that programs share. Pure functions where nothing else is said: any thread, no
/// errors.
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

/// A part of the complex plane as an image. The default shows the whole Mandelbrot set.
struct MandelbrotView {
  int width = 640;  // pixels
  int height = 480;
  double x = -0.65;  // the centre, in the plane
  double y = 0;
  double span = 2.5;  // how much of the plane stands between the upper and the lower edge
  int depth = 1000;   // iterations after which a point counts as inside

  bool operator==(const MandelbrotView&) const = default;
};

struct MandelbrotPixel {
  std::int32_t iterations;  // until the point escaped; the view's depth if it did not
  float smooth;             // the same without steps, for colours
};

/// The points of one row into `out`, from left to right. Rows are independent of one another, and
/// their work is uneven: points inside take all iterations. The iteration counts are the same with
/// every compiler and build type. Requires: 0 <= row < height, out has width places.
void mandelbrot_row(const MandelbrotView& view, int row, std::span<MandelbrotPixel> out) noexcept;

/// FNV-1a (Fowler, Noll, Vo) over the iteration counts: another count, or two in the wrong place,
/// give another sum.
std::uint64_t mandelbrot_checksum(std::span<const MandelbrotPixel> pixels) noexcept;

/// The checksum of all rows of MandelbrotView{}, the known result of every program that draws it.
inline constexpr std::uint64_t mandelbrot_known = 0xe896bd4a2db7737d;

/// Writes the pixels as a PNG file, if the name is not empty. Requires: width x height pixels.
/// Errors: ends the program with status 3 if the file cannot be written.
void write_mandelbrot(const std::string& file, const MandelbrotView& view,
                      std::span<const MandelbrotPixel> pixels);

}  // namespace pdc
