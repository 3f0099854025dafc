// SPDX-License-Identifier: MIT
#include "pdc/image.hpp"

#include <png.h>

#include <cstddef>

#include "pdc/refuse.hpp"
#include "speak/file.hpp"

namespace pdc {

Image::Image(int width_in_pixels, int height_in_pixels)
    : width(width_in_pixels),
      height(height_in_pixels),
      pixels(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {}

Colour& Image::at(int x, int y) {
  return pixels[static_cast<std::size_t>(y) * static_cast<std::size_t>(width) +
                static_cast<std::size_t>(x)];
}

void Image::write(const std::string& file) const {
  static_assert(sizeof(Colour) == 3, "as libpng reads it");
  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  png.width = static_cast<png_uint_32>(width);
  png.height = static_cast<png_uint_32>(height);
  png.format = PNG_FORMAT_RGB;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(png), '\0');
  png_alloc_size_t size = bytes.size();
  if (png_image_write_to_memory(&png, bytes.data(), &size, 0, pixels.data(), 0, nullptr) == 0) {
    refuse("make a PNG of " + std::to_string(width) + " x " + std::to_string(height) + ": " +
           png.message);
  }
  bytes.resize(size);
  detail::write_file(file, bytes);
}

}  // namespace pdc
