// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>
#include <boost/json.hpp>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What may be run, and with what. Nothing that a browser sends becomes a word of a command line
/// but the name of an option that the program has, and a number in its range.
namespace book_server {

struct BadRequest : std::runtime_error {
  using runtime_error::runtime_error;
};

struct Program {
  std::filesystem::path path;
  bool is_mpi = false;
};
using Catalog = std::map<std::string, Program, std::less<>>;

/// The programs that the build has made. Errors: std::exception.
inline Catalog read_catalog(const std::filesystem::path& build) {
  std::ostringstream text;
  text << std::ifstream(build / "catalog.json").rdbuf();
  Catalog catalog;
  const boost::json::value entries = boost::json::parse(text.str());
  for (const boost::json::value& entry : entries.as_array()) {
    const std::string path(entry.at("executable").as_string());
    if (exists(build / path))
      catalog[std::string(entry.at("name").as_string())] = {build / path,
                                                            entry.at("mpi").as_bool()};
  }
  return catalog;
}

constexpr const char* usual_ranks = "4";

/// An option whose value is a number.
struct Choice {
  std::string name, meaning, preset;
  bool is_whole;
  double lowest, highest;
};

/// As the program's --help tells them, and how many ranks. Not the deadline: the server sets that.
inline std::vector<Choice> read_choices(const Program& program, const std::string& help) {
  static const std::regex option(
      R"(  --([a-z0-9-]+) VALUE *(.*), a (whole )?number from (\S+) to (\S+)(?: \(default (.*)\))?)");
  std::vector<Choice> choices;
  if (program.is_mpi) choices.push_back({"ranks", "how many start", usual_ranks, true, 1, 16});
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (std::smatch part; std::regex_match(line, part, option))
      choices.push_back(
          {part[1], part[2], part[6], part[3].matched, std::stod(part[4]), std::stod(part[5])});
  }
  return choices;
}

/// A number that the program takes as it stands. Errors: BadRequest.
inline void check_value(const Choice& choice, std::string_view value) {
  const char* end = value.data() + value.size();
  double number = 0;
  long whole = 0;
  const auto read = choice.is_whole ? std::from_chars(value.data(), end, whole)
                                    : std::from_chars(value.data(), end, number);
  if (choice.is_whole) number = static_cast<double>(whole);
  if (read.ec != std::errc() || read.ptr != end || !(number >= choice.lowest) ||
      !(number <= choice.highest)) {
    throw BadRequest(fmt::format("{} is {}number from {:.12g} to {:.12g}", choice.name,
                                 choice.is_whole ? "a whole " : "a ", choice.lowest,
                                 choice.highest));
  }
}

/// The words of a command line. The query is `threads=4&loops=3`. Errors: BadRequest.
inline std::vector<std::string> read_order(const Program& program,
                                           const std::vector<Choice>& choices,
                                           std::string_view query) {
  std::map<std::string, std::string> values;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string name(pair.substr(0, equals));
    const auto choice = std::ranges::find(choices, name, &Choice::name);
    if (choice == choices.end()) throw BadRequest("an option that the program does not have");
    const std::string_view value = pair.substr(std::min(equals + 1, pair.size()));
    check_value(*choice, value);
    if (!values.emplace(name, value).second) throw BadRequest(name + " is there twice");
  }
  std::vector<std::string> words;
  if (program.is_mpi) {
    const auto ranks = values.extract("ranks");
    words = {"/usr/bin/env", "mpirun", "-np", ranks ? ranks.mapped() : usual_ranks};
  }
  words.push_back(program.path);
  for (const auto& [name, value] : values) words.push_back(fmt::format("--{}={}", name, value));
  return words;
}

}  // namespace book_server
