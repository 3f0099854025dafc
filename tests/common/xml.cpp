// SPDX-License-Identifier: MIT
#include "xml.hpp"

#include <fmt/core.h>

#include <stdexcept>

namespace xml {
namespace {

constexpr std::string_view space = " \t\r\n";

/// How many bytes the character of UTF-8 at the beginning takes; 0 if it is none that XML allows.
std::size_t character_size(std::string_view text) {
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return first >= ' ' || space.find(text[0]) != space.npos ? 1 : 0;
  const std::size_t size = first < 0xc2   ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if ((text[i] & 0xc0) != 0x80) return 0;
  }
  return size;
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::vector<Element> read() {
    expect_characters();
    element();
    skip_space();
    if (!text_.empty()) fail("text behind the end");
    return std::move(elements_);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw std::runtime_error(fmt::format("{} before '{}'", why, text_.substr(0, 60)));
  }
  void expect_characters() const {
    for (std::size_t at = 0; at < text_.size();) {
      const std::size_t size = character_size(text_.substr(at));
      if (size == 0) throw std::runtime_error(fmt::format("no character at byte {}", at));
      at += size;
    }
  }
  bool take(std::string_view token) {
    if (!text_.starts_with(token)) return false;
    text_.remove_prefix(token.size());
    return true;
  }
  void need(std::string_view token) {
    if (!take(token)) fail(fmt::format("'{}' is missing", token));
  }
  std::string_view take_until(std::string_view characters) {
    const std::string_view result = text_.substr(0, text_.find_first_of(characters));
    if (result.size() == text_.size()) fail("the text ends");
    text_.remove_prefix(result.size());
    return result;
  }
  void skip_space() {
    while (!text_.empty() && space.find(text_[0]) != space.npos) text_.remove_prefix(1);
  }
  std::string name() {
    const std::string result(take_until(" \t\r\n/>=<"));
    if (result.empty()) fail("a name is missing");
    return result;
  }

  std::string resolved(std::string_view raw) const {
    static const std::map<std::string_view, char> entities = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    std::string result;
    while (!raw.empty()) {
      const std::size_t end = raw[0] == '&' ? raw.find(';') : 0;
      if (end == raw.npos) fail("an & stands alone");
      const std::string_view part = raw.substr(0, end + 1);
      if (raw[0] == '&' && !entities.contains(part)) fail("an & stands alone");
      result += raw[0] == '&' ? entities.at(part) : raw[0];
      raw.remove_prefix(part.size());
    }
    return result;
  }

  void element() {
    need("<");
    const std::size_t index = elements_.size();
    elements_.push_back({name(), {}, ""});
    for (skip_space(); !text_.starts_with('>') && !text_.starts_with('/'); skip_space())
      attribute(index);
    if (take("/>")) return;
    need(">");
    while (!text_.starts_with("</")) {
      elements_[index].text += resolved(take_until("<"));
      if (!text_.starts_with("</")) element();
    }
    need(fmt::format("</{}>", elements_[index].name));
  }

  void attribute(std::size_t index) {
    const std::string key = name();
    need("=\"");
    const std::string value = resolved(take_until("\"<"));
    need("\"");
    if (!elements_[index].attributes.emplace(key, value).second) fail(key + " stands twice");
  }

  std::string_view text_;
  std::vector<Element> elements_;
};

}  // namespace

std::vector<Element> read(std::string_view text) {
  return Reader(text).read();
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
