// Mandelbrot: the book's running problem, computed by one thread.
//
// Concept   A point c of the plane belongs to the Mandelbrot set if z = z * z + c, repeated from
//           z = 0, stays near 0 for ever. Every point is computed alone, so the rows can be shared
//           out to any number of workers; but the work is uneven: points inside take all
//           iterations, points far outside a few.
// Shows     pdc::mandelbrot_row, which every chapter calls in its own way
// Run       mandelbrot --image mandelbrot.png
// You see   where the time goes, row by row, and with --image the picture itself
// Next      mandelbrot_threads shares the rows out to threads, mandelbrot_processes to processes

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/workload.hpp"

#include <algorithm>
#include <complex>
#include <cstdint>
#include <span>
#include <vector>

namespace {

using Pixels = std::vector<pdc::MandelbrotPixel>;

Pixels compute(const pdc::MandelbrotView& view) {
  const pdc::Lane lane("main");
  const auto width = static_cast<std::size_t>(view.width);
  Pixels pixels(width * static_cast<std::size_t>(view.height));
  const int band = std::max(view.height / 8, 1);
  for (int first = 0; first < view.height; first += band) {
    const int last = std::min(first + band, view.height);
    const auto work = lane.work("rows {} to {}", first, last - 1);
    for (int row = first; row < last; ++row) {
      const std::size_t begin = static_cast<std::size_t>(row) * width;
      pdc::mandelbrot_row(view, row, std::span(pixels).subspan(begin, width));
    }
  }
  return pixels;
}

struct Known {
  int inside = 0;  // points of which a formula says that they belong to the set
  int right = 0;   // of them, those that were never seen to escape
};

/// The formulas of the two largest parts of the set, the cardioid and the disc to its left.
Known compare_with_formulas(const pdc::MandelbrotView& view, const Pixels& pixels) {
  const double step = view.span / view.height;
  Known known;
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto column = static_cast<double>(i % static_cast<std::size_t>(view.width));
    const auto row = static_cast<double>(i / static_cast<std::size_t>(view.width));
    const std::complex<double> c(view.x + (column + 0.5 - 0.5 * view.width) * step,
                                 view.y + (0.5 * view.height - row - 0.5) * step);
    const bool in_cardioid = std::abs(1.0 - std::sqrt(1.0 - 4.0 * c)) < 1 - 1e-9;
    const bool in_disc = std::abs(c + 1.0) < 0.25 - 1e-9;
    if (!in_cardioid && !in_disc) continue;
    ++known.inside;
    known.right += pixels[i].iterations == view.depth ? 1 : 0;
  }
  return known;
}

}  // namespace

int main(int argc, char** argv) {
  const pdc::MandelbrotView usual;
  pdc::Program program(
      argc, argv,
      {{"width", usual.width, "pixels", {16, 8192}},
       {"height", usual.height, "pixels", {16, 8192}},
       {"x", usual.x, "centre, real part", {-3, 3}},
       {"y", usual.y, "centre, imaginary part", {-3, 3}},
       {"span", usual.span, "how much of the plane from top to bottom", {1e-12, 10}},
       {"depth", usual.depth, "iterations at most", {1, 10'000}},
       {"image", "", "write the picture to this PNG file"}});
  const pdc::MandelbrotView view{program.integer("width"), program.integer("height"),
                                 program.real("x"),        program.real("y"),
                                 program.real("span"),     program.integer("depth")};

  const Pixels pixels = program.scene("row by row", compute, view);
  pdc::write_mandelbrot(program.word("image"), view, pixels);

  const auto computed = std::ranges::count_if(pixels, [](auto p) { return p.iterations > 0; });
  const Known known = compare_with_formulas(view, pixels);
  const std::uint64_t sum = pdc::mandelbrot_checksum(pixels);
  pdc::check(computed == std::ssize(pixels), "every point was computed", "{} of {}", computed,
             pixels.size());
  pdc::check(known.right == known.inside, "no point escaped of which a formula says that it stays",
             "{} of {}", known.right, known.inside);
  if (view == usual) {
    pdc::check(sum == pdc::mandelbrot_known, "the iteration counts are the known ones",
               "checksum {:016x}", sum);
  }
  return program.finish();
}
