// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "picture/drawing.hpp"
#include "picture/picture.hpp"

namespace pdc::detail {

inline constexpr std::size_t most_arrows = 32;  // more of them in a panel would be a web

/// One scene as a panel of an SVG: its title, the names of its moments, its lanes, its axis, and
/// below them what is not drawn. The panels of a picture stand one below another.
class Panel {
 public:
  /// The lanes begin at x = `left`, and one stands `pitch` px below the other. Requires: the picture
  /// outlives the panel.
  Panel(const Picture& picture, double left, double pitch);

  double height() const;

  /// Draws it from y = `top` down.
  void draw(double top, Drawing& out) const;

 private:
  struct Box {
    double x, y, width, height;  // y from the panel's top
  };
  struct Text {
    double x, y;
    std::string text;
    const char* style;
  };
  struct Lane {
    Box box;
    std::vector<Box> bars;
    std::vector<Text> labels;
  };
  struct Name {  // of a moment
    double x;
    int line;  // above the lanes, from below
    const Mark* mark;
  };

  double x(std::int64_t time) const;
  void name_moments();
  Lane lay_out(const Row& row, double y) const;
  std::vector<Box> bars_across(const Row& row) const;
  double label_place(const Row& row, const std::vector<Box>& bars, std::size_t bar) const;
  void draw_axis(double top, Drawing& out) const;
  void draw_lane(std::size_t row, double top, Drawing& out) const;
  void draw_arrow(const Arrow& arrow, double top, Drawing& out) const;
  void draw_moments(double top, Drawing& out) const;

  const Picture& picture_;
  const double left_;
  const double pitch_;
  std::vector<Arrow> arrows_;
  std::vector<std::string> notes_;  // what is not drawn
  std::vector<Name> names_;
  double first_ = 0;   // where the lanes begin, from the panel's top
  double bottom_ = 0;  // and end
  std::vector<Lane> lanes_;
};

}  // namespace pdc::detail
