// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <sstream>
#include <string>

#include "draft.hpp"
#include "picture/svg.hpp"

/// The colours of the pictures, by the rules of those who measure them.
namespace {

using Triple = std::array<double, 3>;
using Matrix = std::array<Triple, 3>;

const std::string picture = pdc::detail::svg("name", "summary", {draft::rows(1)}).at(0);

/// What each class is filled with in one of the themes; a rule is a line.
std::map<std::string, std::string> fills(bool dark) {
  std::map<std::string, std::string> result;
  std::istringstream style(picture.substr(0, picture.find("</style>")));
  bool in_dark = false;
  for (std::string line; std::getline(style, line);) {
    in_dark = in_dark || line.find("@media") != std::string::npos;
    const std::size_t fill = line.find(" fill: #");
    if (fill == std::string::npos || (in_dark && !dark)) continue;
    for (auto at = line.find('.'); at < line.find('{'); at = line.find('.', at + 1))
      result[line.substr(at + 1, line.find_first_of(" ,", at) - at - 1)] = line.substr(fill + 7, 7);
  }
  return result;
}

/// sRGB to linear light.
Triple linear(const std::string& colour) {
  Triple result{};
  for (std::size_t i = 0; i < 3; ++i) {
    const double value = std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    result[i] = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  }
  return result;
}

Triple multiply(const Matrix& matrix, const Triple& vector) {
  Triple result{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) result[i] += matrix[i][j] * vector[j];
  return result;
}

constexpr Matrix to_xyz{
    {{0.4124, 0.3576, 0.1805}, {0.2126, 0.7152, 0.0722}, {0.0193, 0.1192, 0.9505}}};

/// WCAG 2.1, contrast ratio.
double contrast(const std::string& a, const std::string& b) {
  const auto [low, high] =
      std::minmax({multiply(to_xyz, linear(a))[1], multiply(to_xyz, linear(b))[1]});
  return (high + 0.05) / (low + 0.05);
}

Triple lab(const Triple& light) {
  const Triple xyz = multiply(to_xyz, light);
  const auto f = [](double t) {
    return t > 216.0 / 24389 ? std::cbrt(t) : (24389.0 / 27 * t + 16) / 116;
  };
  const double x = f(xyz[0] / 0.95047), y = f(xyz[1]), z = f(xyz[2] / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

/// CIE76, as seen by somebody (Machado, Oliveira, Fernandes: A physiologically-based model for
/// simulation of color vision deficiency, 2009; severity 1).
double distance(const std::string& a, const std::string& b, const Matrix& eyes) {
  const auto seen = [&](const std::string& colour) {
    Triple light = multiply(eyes, linear(colour));
    for (double& value : light) value = std::clamp(value, 0.0, 1.0);
    return lab(light);
  };
  const Triple p = seen(a), q = seen(b);
  return std::hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]);
}

constexpr std::array<Matrix, 3> eyes{{
    {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
    {{{0.367322, 0.860646, -0.227968},
      {0.280085, 0.672501, 0.047413},
      {-0.011820, 0.042940, 0.968881}}},
    {{{0.152286, 1.052583, -0.204868},
      {0.114503, 0.786281, 0.099216},
      {-0.003882, -0.048116, 1.051998}}},
}};

const std::array<std::string, 4> bars = {"work", "hold-back", "send", "receive"};

class Theme : public testing::TestWithParam<bool> {
 protected:
  std::map<std::string, std::string> colours = fills(GetParam());
  std::string page = GetParam() ? "#0d1117" : "#ffffff";
};

TEST_P(Theme, LabelsOnBarsAreRead) {
  for (const std::string& bar : bars) EXPECT_GE(contrast("#ffffff", colours.at(bar)), 4.5) << bar;
}

TEST_P(Theme, TextOnThePageIsRead) {
  for (const char* text : {"soft", "tick", "mark-text", "fault-text", "own"})
    EXPECT_GE(contrast(page, colours.at(text)), 4.5) << text;
}

TEST_P(Theme, HoldAndWorkDifferForEveryEye) {
  for (const Matrix& eye : eyes)
    EXPECT_GE(distance(colours.at("work"), colours.at("hold-back"), eye), 40);
}

TEST_P(Theme, AllBarsAndAllCurvesDifferForEveryEye) {
  const auto differ = [&](const auto& names) {
    for (const Matrix& eye : eyes)
      for (const std::string& a : names)
        for (const std::string& b : names)
          EXPECT_TRUE(a == b || distance(colours.at(a), colours.at(b), eye) >= 12)
              << a << " and " << b;
  };
  differ(bars);
  differ(std::array<std::string, 4>{"c0", "c1", "c2", "c3"});
}

INSTANTIATE_TEST_SUITE_P(LightAndDark, Theme, testing::Bool());

TEST(Measures, AreThoseOfTheirAuthors) {
  EXPECT_NEAR(contrast("#777777", "#ffffff"), 4.48, 0.01);
  EXPECT_NEAR(distance("#2f6fde", "#8250df", eyes[0]), 33, 1);
  EXPECT_NEAR(distance("#2f6fde", "#8250df", eyes[1]), 0, 1);  // what hold was once
}

}  // namespace
