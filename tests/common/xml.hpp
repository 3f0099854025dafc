// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Enough of XML to judge an SVG: reads it, or says why it is not well-formed.
namespace xml {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;  // entities resolved
  std::string text;                               // what stands directly in it
};

/// All elements, in the order of their beginnings. Errors: std::runtime_error.
std::vector<Element> read(std::string_view text);

/// Those of that name and, if given, of that class.
std::vector<Element> select(const std::vector<Element>& all, std::string_view name,
                            std::string_view of_class = "");

}  // namespace xml
