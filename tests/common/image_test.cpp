// SPDX-License-Identifier: MIT
#include "pdc/image.hpp"

#include <gtest/gtest.h>
#include <png.h>
#include <stdlib.h>

#include <filesystem>
#include <string>
#include <vector>

namespace {

class ImageFile : public testing::Test {
 protected:
  ImageFile() : folder_(mkdtemp(name_)) {}
  ~ImageFile() override { std::filesystem::remove_all(folder_); }
  std::string file() const { return (folder_ / "image.png").string(); }

 private:
  char name_[32] = "/tmp/pdc_image_XXXXXX";
  std::filesystem::path folder_;
};

TEST_F(ImageFile, ReadsBackPixelByPixel) {
  pdc::Image image(3, 2);
  image.at(0, 0) = {255, 0, 0};
  image.at(2, 0) = {1, 2, 3};
  image.at(1, 1) = {9, 8, 7};
  image.write(file());

  png_image png{};
  png.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&png, file().c_str()), 0) << png.message;
  ASSERT_EQ(png.width, 3U);
  ASSERT_EQ(png.height, 2U);
  png.format = PNG_FORMAT_RGB;
  std::vector<unsigned char> read(PNG_IMAGE_SIZE(png));
  ASSERT_NE(png_image_finish_read(&png, nullptr, read.data(), 0, nullptr), 0) << png.message;
  const std::vector<unsigned char> expected{255, 0, 0, 0, 0, 0, 1, 2, 3,   // the first row
                                            0,   0, 0, 9, 8, 7, 0, 0, 0};  // black but for one
  EXPECT_EQ(read, expected);
}

TEST(Image, WhatCannotBeWrittenEndsWith3) {
  EXPECT_EXIT(pdc::Image(1, 1).write("/nonexistent/image.png"), testing::ExitedWithCode(3),
              "/nonexistent/image.png: No such file");
  EXPECT_EXIT(pdc::Image(1, 1).write("/dev/full"), testing::ExitedWithCode(3), "No space left");
}

}  // namespace
