// SPDX-License-Identifier: MIT
#include "xml.hpp"

#include <expat.h>
#include <fmt/core.h>

#include <memory>
#include <stdexcept>
#include <type_traits>

namespace xml {
namespace {

struct Reading {
  std::vector<Element> elements;
  std::vector<std::size_t> open;  // indices, the innermost last
};

void begin(void* reading, const char* name, const char** attributes) {
  auto& [elements, open] = *static_cast<Reading*>(reading);
  open.push_back(elements.size());
  Element& element = elements.emplace_back(Element{name, {}, ""});
  for (; *attributes != nullptr; attributes += 2)
    element.attributes.emplace(attributes[0], attributes[1]);
}

void end(void* reading, const char* /*name*/) {
  static_cast<Reading*>(reading)->open.pop_back();
}

void add_text(void* reading, const char* text, int size) {
  auto& [elements, open] = *static_cast<Reading*>(reading);
  elements[open.back()].text.append(text, static_cast<std::size_t>(size));
}

}  // namespace

std::vector<Element> read(std::string_view text) {
  using Parser = std::unique_ptr<std::remove_pointer_t<XML_Parser>, decltype(&XML_ParserFree)>;
  const Parser parser(XML_ParserCreate("UTF-8"), &XML_ParserFree);
  Reading reading;
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), begin, end);
  XML_SetCharacterDataHandler(parser.get(), add_text);
  if (XML_Parse(parser.get(), text.data(), static_cast<int>(text.size()), 1) != XML_STATUS_OK) {
    throw std::runtime_error(fmt::format("{} in line {}",
                                         XML_ErrorString(XML_GetErrorCode(parser.get())),
                                         XML_GetCurrentLineNumber(parser.get())));
  }
  return reading.elements;
}

std::vector<Element> select(const std::vector<Element>& all, std::string_view name,
                            std::string_view of_class) {
  std::vector<Element> result;
  for (const Element& element : all) {
    const auto found = element.attributes.find("class");
    const bool in_class =
        of_class.empty() || (found != element.attributes.end() && found->second == of_class);
    if (element.name == name && in_class) result.push_back(element);
  }
  return result;
}

}  // namespace xml
