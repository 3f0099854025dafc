// SPDX-License-Identifier: MIT
#include "program/options.hpp"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <span>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>

#include "end/end.hpp"
#include "pdc/refuse.hpp"
#include "run/world.hpp"
#include "speak/print.hpp"

namespace pdc::detail {
namespace {

bool is_flag(const Option& option) {
  return std::holds_alternative<bool>(option.value);
}

/// "runners, a whole number from 2 to 64"
std::string allowed(const Option& option) {
  const auto range =
      fmt::format("from {:.12g} to {:.12g}", option.range.lowest, option.range.highest);
  if (std::holds_alternative<int>(option.value))
    return fmt::format("{}, a whole number {}", option.meaning, range);
  if (std::holds_alternative<double>(option.value))
    return fmt::format("{}, a number {}", option.meaning, range);
  return std::string(option.meaning);
}

template <class Number>
Number number(const Option& option, std::string_view given) {
  Number value{};
  const auto [end, error] = std::from_chars(given.data(), given.data() + given.size(), value);
  const bool all_read = end == given.data() + given.size();
  if (!all_read || error == std::errc::invalid_argument ||
      !std::isfinite(static_cast<double>(value))) {
    reject(fmt::format("--{} '{}' is not a {}number: {}", option.name, given,
                       std::is_integral_v<Number> ? "whole " : "", allowed(option)));
  }
  if (error == std::errc::result_out_of_range || value < option.range.lowest ||
      value > option.range.highest) {
    reject(fmt::format("--{} {} is out of range: {}", option.name, given, allowed(option)));
  }
  return value;
}

void assign(Option& option, std::string_view given) {
  if (given.empty()) reject(fmt::format("--{} needs a value: {}", option.name, allowed(option)));
  if (std::holds_alternative<int>(option.value))
    option.value = number<int>(option, given);
  else if (std::holds_alternative<double>(option.value))
    option.value = number<double>(option, given);
  else
    option.value = std::string(given);
}

/// The declared option nearest to a misspelt one, by Levenshtein's distance, or nothing.
std::string nearest(std::string_view given, const std::vector<Option>& options) {
  const auto distance = [&](std::string_view other) {
    std::vector<std::size_t> row(other.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < given.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < other.size(); ++j) {
        const std::size_t change = diagonal + (given[i] == other[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({change, row[j] + 1, row[j + 1] + 1});
      }
    }
    return row.back();
  };
  const auto best = std::ranges::min_element(
      options, {}, [&](const Option& option) { return distance(option.name); });
  return distance(best->name) <= 2 ? fmt::format("; did you mean --{}?", best->name) : "";
}

/// Requires: it begins with a dash.
Option& find(std::string_view given, std::vector<Option>& options) {
  const auto option = std::ranges::find_if(
      options, [&](const Option& one) { return fmt::format("--{}", one.name) == given; });
  if (option != options.end()) return *option;
  const std::string_view name = given.substr(std::min(given.find_first_not_of('-'), given.size()));
  reject(fmt::format("no option {}{}; --help lists them", given, nearest(name, options)));
}

/// --name, --name=value or --name value. What follows a name is its value unless it is a name, too.
void read_words(std::span<char*> words, std::vector<Option>& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (!word.starts_with('-'))
      reject(fmt::format("stray argument '{}'; --help lists the options", word));
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view value = word.substr(equals);  // with its equals sign
    Option& option = find(word.substr(0, equals), options);
    if (is_flag(option)) {
      if (!value.empty())
        reject(
            fmt::format("--{} is on or off and takes no value: leave {} out", option.name, value));
      option.value = true;
    } else if (!value.empty()) {
      assign(option, value.substr(1));
    } else if (i + 1 < words.size() && !std::string_view(words[i + 1]).starts_with("--")) {
      ++i;
      assign(option, words[i]);
    } else {
      assign(option, "");
    }
  }
}

std::vector<Option> common_options() {
  return {{"quiet", false, "print the claims only"},
          {"json", false, "print one JSON object instead of text"},
          {"svg", "", "file to write the picture to, as SVG"},
          {"scene", "", "number or title of the only scene that --svg draws"},
          {"trace", "", "file to write the picture to, as Chrome trace events (Perfetto)"},
          {"deadline", run().deadline, "seconds until a stuck program is ended", {0.001, 86'400}},
          {"help", false, "this text"},
          {"version", false, "the version"}};
}

/// What --help calls the value.
std::string value_name(const Option& option) {
  if (is_flag(option)) return "";
  if (option.name == "svg" || option.name == "trace") return " FILE";
  if (option.name == "deadline") return " SECONDS";
  return " VALUE";
}

std::string default_text(const Option& option) {
  if (const int* whole = std::get_if<int>(&option.value))
    return fmt::format(" (default {})", *whole);
  if (const double* real = std::get_if<double>(&option.value))
    return fmt::format(" (default {:g})", *real);
  if (const auto* word = std::get_if<std::string>(&option.value); word && !word->empty())
    return fmt::format(" (default {})", *word);
  return "";
}

/// The page's own header comment, then its options: what the reader sees in the source is what
/// --help says.
std::string help(const std::vector<Option>& options) {
  std::string text;
  std::string_view header = run().header;
  while (!header.empty()) {
    const std::size_t end = std::min(header.find('\n'), header.size() - 1) + 1;
    const std::string_view line = header.substr(0, end);
    text += line.starts_with("// ") ? line.substr(3) : line.substr(2);
    header.remove_prefix(end);
  }
  text += "\nOptions\n";
  for (const Option& option : options) {
    text += fmt::format("  --{:<20}{}{}\n", fmt::format("{}{}", option.name, value_name(option)),
                        allowed(option), default_text(option));
  }
  return text +
         "\nStatus 0: all claims hold; 1: one does not; 2: wrong command line; 3: the machine "
         "refused something; 4: deadline\n";
}

[[noreturn]] void answer(std::string_view text) {
  if (world().rank == 0) write_out(text);
  leave_together(0);
}

void refuse_unwritable(const std::string& file) {
  if (file.empty() || world().rank != 0) return;
  const std::filesystem::path path(file);
  if (std::filesystem::is_directory(path)) refuse(fmt::format("open {}: it is a folder", file));
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (access(file.c_str(), F_OK) == 0 ? access(file.c_str(), W_OK) != 0
                                      : access(folder.c_str(), W_OK) != 0) {
    refuse(fmt::format("open {}: {}; name a file in a folder that is there and may be written",
                       file, std::generic_category().message(errno)));
  }
}

}  // namespace

void read_options(int argc, char** argv, std::vector<Option> declared) {
  Run& r = run();
  r.options = std::move(declared);
  std::ranges::move(common_options(), std::back_inserter(r.options));
  const std::string help_text = help(r.options);  // with the defaults, whatever is given
  read_words(std::span(argv, static_cast<std::size_t>(argc)).subspan(1), r.options);
  if (option_value<bool>("help")) answer(help_text);
  if (option_value<bool>("version")) answer(fmt::format("{} (pdc) {}\n", r.name, PDC_VERSION));
  std::erase_if(r.options, [](const Option& option) {  // no part of what --json reports
    return option.name == "help" || option.name == "version";
  });

  if (option_value<bool>("quiet")) r.output = Output::claims_only;
  if (option_value<bool>("json")) r.output = Output::json;
  r.svg_file = option_value<std::string>("svg");
  r.svg_scene = option_value<std::string>("scene");
  if (!r.svg_scene.empty() && r.svg_file.empty())
    reject("--scene needs --svg FILE: it is drawn there");
  r.trace_file = option_value<std::string>("trace");
  r.deadline = option_value<double>("deadline");
  for (const Option& option : r.options) {  // now, not when everything has been computed
    if (option.name == "svg" || option.name == "trace" || option.name == "image")
      refuse_unwritable(std::get<std::string>(option.value));
  }
}

}  // namespace pdc::detail
