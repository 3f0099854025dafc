// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

/// Images, pixel by pixel.
namespace pdc {

struct Colour {
  std::uint8_t red, green, blue;
};

/// An image, black at first. Thread safety: as that of a vector.
struct Image {
  /// Requires: width and height are at least 1.
  Image(int width_in_pixels, int height_in_pixels);

  Colour& at(int x, int y);  // from the upper left corner

  /// Writes it as PNG. Errors: ends the program with status 3 if the file cannot be written.
  void write(const std::string& file) const;

  int width;
  int height;
  std::vector<Colour> pixels;  // row by row
};

}  // namespace pdc
