// SPDX-License-Identifier: MIT
#include "speak/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>

#include "picture/columns.hpp"
#include "run/world.hpp"

namespace pdc::detail {
namespace {

/// mpirun gives each rank a terminal of its own, whatever its output goes to: with ranks, only what
/// the environment says counts (the launcher says it).
bool on_terminal() {
  if (world().gather != nullptr) return std::getenv("CLICOLOR_FORCE") != nullptr;
  return isatty(STDOUT_FILENO) != 0;
}

/// The width that lines and charts are to keep, if somebody reads them in columns.
std::optional<int> known_width() {
  winsize size{};
  int width = 0;
  if (const char* columns = std::getenv("COLUMNS")) width = std::atoi(columns);
  if (on_terminal() && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    width = size.ws_col;
  if (width <= 0) return {};
  return std::clamp(width, 50, 160);
}

}  // namespace

/// As no-color.org has it, an empty NO_COLOR says nothing. A dumb terminal, or one that nobody names,
/// takes escapes for text.
bool in_colour() {
  const auto value = [](const char* name) {
    const char* text = std::getenv(name);
    return std::string_view(text == nullptr ? "" : text);
  };
  const std::string_view terminal = value("TERM");
  return on_terminal() && value("NO_COLOR").empty() && !terminal.empty() && terminal != "dumb";
}

int chart_width() {
  return known_width().value_or(80);
}

std::string wrapped(std::string_view text, std::size_t hang) {
  const std::optional<int> width = known_width();
  if (!width) return std::string(text);
  std::string result;
  std::size_t begin = 0;  // of the line in the result
  while (!text.empty()) {
    const std::size_t next = std::min(text.find_first_of(" \n", 1), text.size());
    const std::string_view word = text.substr(0, next);  // with the blank or line end before it
    const bool breaks = word[0] == ' ' && columns(result.substr(begin)) + columns(word) > *width &&
                        result.find_first_not_of(' ', begin) != std::string::npos;
    if (breaks) {
      result += '\n' + std::string(hang, ' ');
      begin = result.size() - hang;
      result += word.substr(1);
    } else {
      result += word;
      if (word[0] == '\n') begin = result.size() - word.size() + 1;
    }
    text.remove_prefix(next);
  }
  return result;
}

}  // namespace pdc::detail
