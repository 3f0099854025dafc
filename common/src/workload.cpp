// SPDX-License-Identifier: MIT
#include "pdc/workload.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "pdc/image.hpp"

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

void mandelbrot_row(const MandelbrotView& view, int row, std::span<MandelbrotPixel> out) noexcept {
  constexpr double far = 65536;  // far outside the circle of radius 2, so that colours are smooth
  const double step = view.span / view.height;
  const double c_im = view.y + (0.5 * view.height - row - 0.5) * step;
  for (std::size_t column = 0; column < out.size(); ++column) {
    const double c_re = view.x + (static_cast<double>(column) + 0.5 - 0.5 * view.width) * step;
    double re = 0, im = 0, re2 = 0, im2 = 0;
    std::int32_t n = 0;
    for (; n < view.depth && re2 + im2 <= far; ++n) {
      im = 2 * re * im + c_im;
      re = re2 - im2 + c_re;
      re2 = re * re;
      im2 = im * im;
    }
    const bool inside = re2 + im2 <= far;
    const double beyond = inside ? 0 : std::log2(std::log2(re2 + im2) / 16);  // 0 to about 1
    out[column] = {n, static_cast<float>(n - beyond)};
  }
}

std::uint64_t mandelbrot_checksum(std::span<const MandelbrotPixel> pixels) noexcept {
  std::uint64_t sum = 0xcbf29ce484222325;
  for (const MandelbrotPixel& pixel : pixels) {
    for (int shift = 0; shift < 32; shift += 8) {
      sum ^= static_cast<std::uint64_t>(pixel.iterations) >> shift & 0xff;
      sum *= 0x100000001b3;
    }
  }
  return sum;
}

void write_mandelbrot(const std::string& file, const MandelbrotView& view,
                      std::span<const MandelbrotPixel> pixels) {
  if (file.empty()) return;
  Image image(view.width, view.height);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    if (pixels[i].iterations >= view.depth) continue;  // inside stays black
    // A colour wheel that turns ever slower, as deep points have many neighbours of other depths.
    const double turn = 5 * std::log(static_cast<double>(std::max(pixels[i].smooth, 0.F)) + 1);
    const auto channel = [&](double offset) {
      return static_cast<std::uint8_t>(std::lround(127.5 + 127.5 * std::cos(turn + offset)));
    };
    image.pixels[i] = {channel(3.4), channel(2.6), channel(1.6)};
  }
  image.write(file);
}

}  // namespace pdc
