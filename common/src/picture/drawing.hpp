// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>

#include <iterator>
#include <string>
#include <string_view>

/// What svg.cpp, panel.cpp, graph.cpp and plot.cpp draw with.
namespace pdc::detail {

inline constexpr double picture_width = 860;    // of every SVG; its units are called px here
inline constexpr double character_width = 6.2;  // of the 11px font, generously

/// Text as it may stand in XML.
std::string escape(std::string_view text);

/// SVG elements, each after those that it may cover.
class Drawing {
 public:
  template <class... Args>
  void add(fmt::format_string<Args...> element, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), element, std::forward<Args>(args)...);
    text_ += '\n';
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace pdc::detail
