// SPDX-License-Identifier: MIT
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

#include "runtime.hpp"

/// The command line: CLI11 splits it, this file gives each value its kind, range and message.
namespace pdc::detail {

void reject(std::string_view message) {
  if (world().rank == 0) complain(message);
  leave_together(2);
}

namespace {

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
Number number(const Option& option, const std::string& given) {
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

void assign(Option& option, const std::string& given) {
  if (std::holds_alternative<int>(option.value)) option.value = number<int>(option, given);
  if (std::holds_alternative<double>(option.value)) option.value = number<double>(option, given);
  if (std::holds_alternative<std::string>(option.value)) {
    if (given.empty() || given.starts_with("--")) {
      reject(fmt::format("--{} needs a value: {}", option.name, allowed(option)));
    }
    option.value = given;
  }
}

/// What --help calls the value.
std::string value_name(const Option& option) {
  if (std::holds_alternative<bool>(option.value)) return "";
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
[[noreturn]] void help(const std::vector<Option>& options) {
  std::string text;
  for (const std::string& line : CLI::detail::split(run().header, '\n')) {
    if (!line.empty()) text += line.substr(std::min<std::size_t>(line.size(), 3)) + "\n";
  }
  text += "\nOptions\n";
  for (const Option& option : options) {
    text += fmt::format("  --{:<20}{}{}\n", fmt::format("{}{}", option.name, value_name(option)),
                        allowed(option), default_text(option));
  }
  text += "  --help              this text\n  --version           the version\n";
  text +=
      "\nStatus 0: all claims hold; 1: one does not; 2: wrong command line; 3: the machine refused "
      "something; 4: deadline\n";
  if (world().rank == 0) write_out(text);
  leave_together(0);
}

/// The declared option nearest to a misspelt one, or nothing.
std::string nearest(const std::string& given, const std::vector<Option>& options) {
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
  const auto best = std::min_element(
      options.begin(), options.end(),
      [&](const Option& a, const Option& b) { return distance(a.name) < distance(b.name); });
  return distance(best->name) <= 2 ? fmt::format("; did you mean --{}?", best->name) : "";
}

std::vector<Option> common_options() {
  return {{"quiet", false, "print the claims only"},
          {"json", false, "print one JSON object instead of text"},
          {"svg", "", "file to write the picture to, as SVG"},
          {"scene", "", "number or title of the only scene that --svg draws"},
          {"trace", "", "file to write the picture to, as Chrome trace events (Perfetto)"},
          {"deadline", run().deadline, "seconds until a stuck program is ended", {0.001, 86'400}}};
}

/// CLI11 has a meaning for --quiet=-1.
void reject_value_of_flag(int argc, char** argv, const std::vector<Option>& options) {
  for (const std::string word : std::span(argv, static_cast<std::size_t>(argc))) {
    const std::size_t equals = word.find('=');
    if (equals == word.npos) continue;
    const std::string flag = word.substr(0, equals);
    const bool declared = std::any_of(options.begin(), options.end(), [&](const Option& option) {
      return std::holds_alternative<bool>(option.value) && fmt::format("--{}", option.name) == flag;
    });
    if (declared || flag == "--help" || flag == "--version")
      reject(fmt::format("{} is on or off and takes no value: leave {} out", flag,
                         word.substr(equals)));
  }
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

void read_options(int argc, char** argv, std::vector<Option> options) {
  Run& r = run();
  for (Option& option : common_options()) options.push_back(std::move(option));

  CLI::App app;
  app.set_help_flag("");
  app.allow_extras();
  bool wants_help = false;
  bool wants_version = false;
  app.add_flag("--help", wants_help);
  app.add_flag("--version", wants_version);
  std::vector<std::string> given(options.size());
  for (std::size_t i = 0; i < options.size(); ++i) {
    const std::string flag = fmt::format("--{}", options[i].name);
    if (bool* on = std::get_if<bool>(&options[i].value)) {
      app.add_flag(flag, *on);
    } else {
      app.add_option(flag, given[i])->take_last();
    }
  }
  reject_value_of_flag(argc, argv, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ArgumentMismatch&) {
    for (const Option& option : options) {
      const std::string flag = fmt::format("--{}", option.name);
      const bool last = std::string_view(argv[argc - 1]) == flag;
      const bool empty = std::count(argv + 1, argv + argc, flag + "=") > 0;
      if (last || empty) reject(fmt::format("{} needs a value: {}", flag, allowed(option)));
    }
    reject("an option has no value; --help lists them");
  } catch (const CLI::ParseError& error) {
    reject(error.what());
  }
  if (wants_help) help(options);
  if (wants_version) {
    if (world().rank == 0) write_out(fmt::format("{} (pdc) {}\n", r.name, PDC_VERSION));
    leave_together(0);
  }
  if (const auto extras = app.remaining(); !extras.empty()) {
    const std::string& extra = extras.front();
    if (!extra.starts_with("-"))
      reject(fmt::format("stray argument '{}'; --help lists the options", extra));
    const std::size_t begin = std::min(extra.find_first_not_of('-'), extra.size());
    const std::string word = extra.substr(begin, extra.find('=') - begin);
    reject(fmt::format("no option {}{}; --help lists them", extra, nearest(word, options)));
  }
  for (std::size_t i = 0; i < options.size(); ++i) {
    if (app.count(fmt::format("--{}", options[i].name)) > 0) assign(options[i], given[i]);
  }
  r.options = std::move(options);

  const auto find = [&](std::string_view name) -> const auto& {
    return std::find_if(r.options.begin(), r.options.end(),
                        [&](const Option& o) { return o.name == name; })
        ->value;
  };
  if (std::get<bool>(find("quiet"))) r.output = Output::claims_only;
  if (std::get<bool>(find("json"))) r.output = Output::json;
  r.svg_file = std::get<std::string>(find("svg"));
  r.svg_scene = std::get<std::string>(find("scene"));
  if (!r.svg_scene.empty() && r.svg_file.empty())
    reject("--scene needs --svg FILE: it is drawn there");
  r.trace_file = std::get<std::string>(find("trace"));
  r.deadline = std::get<double>(find("deadline"));
  for (const Option& option : r.options) {  // now, not when everything has been computed
    if (option.name == "svg" || option.name == "trace" || option.name == "image")
      refuse_unwritable(std::get<std::string>(option.value));
  }
}

}  // namespace pdc::detail
