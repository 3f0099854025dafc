#pragma once

#include <fmt/format.h>
#include <boost/json/basic_parser_impl.hpp>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

/// What the server of socket_server.cpp answers to a line.

using boost::system::error_code;

__extension__ using Wide = __int128;  // the sum of any whole numbers that a line can hold

inline std::int64_t narrow(Wide exact) {
  using Whole = std::numeric_limits<std::int64_t>;
  if (exact < Whole::min() || exact > Whole::max()) throw std::range_error("an integer overflow");
  return static_cast<std::int64_t>(exact);
}
inline double narrow(double value) {
  if (!std::isfinite(value)) throw std::range_error("the result is not finite");
  return value;
}

/// A request. Boost.JSON hands it over piece by piece, so no tree is built, however long the line.
template <class Number>
struct Request {
  static constexpr std::size_t max_object_size = 1, max_array_size = SIZE_MAX;
  static constexpr std::size_t max_key_size = SIZE_MAX, max_string_size = SIZE_MAX;

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return levels > 0 || refuse(); }
  bool on_object_begin(error_code&) { return levels == 0 || refuse(); }
  bool on_object_end(std::size_t, error_code&) { return true; }
  bool on_array_begin(error_code&) {
    if (++level > levels) refuse();
    if (level == levels) rows.emplace_back();
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return --level >= 0; }
  bool on_key_part(std::string_view, std::size_t, error_code&) { return refuse(); }
  bool on_key(std::string_view key, std::size_t, error_code&) {
    levels = key == "sum" ? 1 : key == "add" ? 2 : 0;
    return levels > 0 || refuse();
  }
  bool on_string_part(std::string_view, std::size_t, error_code&) { return refuse(); }
  bool on_string(std::string_view, std::size_t, error_code&) { return refuse(); }
  bool on_number_part(std::string_view, error_code&) { return true; }
  bool on_int64(std::int64_t number, std::string_view, error_code&) { return take(number); }
  bool on_uint64(std::uint64_t number, std::string_view, error_code&) { return take(number); }
  bool on_double(double, std::string_view text, error_code&) {  // Boost 1.81 may be a digit off
    return take(std::strtod(std::string(text).c_str(), nullptr));
  }
  bool on_bool(bool, error_code&) { return refuse(); }
  bool on_null(error_code&) { return refuse(); }
  bool on_comment_part(std::string_view, error_code&) { return true; }
  bool on_comment(std::string_view, error_code&) { return true; }

  template <class Value>
  bool take(Value value) {
    if (level != levels || level == 0) refuse();
    if constexpr (!std::is_same_v<Number, double> && !std::is_same_v<Value, std::int64_t>)
      throw std::range_error("an integer overflow");  // too long for an int64
    else
      rows.back().push_back(static_cast<Number>(value));
    return true;
  }

  [[noreturn]] static bool refuse() {
    throw std::invalid_argument("not a request: {'sum':[1,2]} or {'add':[[1,2],[3,4]]}");
  }

  int level = 0, levels = 0;  // of arrays: those that are open, and those that there have to be
  std::vector<std::vector<Number>> rows;
};

template <class Number>
void answer_numbers(std::string_view line, std::string& answers) {
  boost::json::basic_parser<Request<Number>> parser({});
  error_code error;
  const std::size_t end = parser.write_some(false, line.data(), line.size(), error);
  if (error) throw std::invalid_argument("not JSON: " + error.message());
  if (end < line.size()) throw std::invalid_argument("more than one request in a line");

  const auto& [level, levels, rows] = parser.handler();
  using Sum = std::conditional_t<std::is_same_v<Number, double>, double, Wide>;
  if (levels == 1) {
    Sum sum = 0;
    for (const Number number : rows.at(0)) sum += number;
    fmt::format_to(std::back_inserter(answers), "{{\"sum\":{:#}}}\n", narrow(sum));
    return;
  }
  if (rows.size() != 2 || rows[0].size() != rows[1].size())
    throw std::invalid_argument("add takes two vectors of equal length");
  std::vector<Number> sums;
  for (std::size_t i = 0; i < rows[0].size(); ++i)
    sums.push_back(narrow(Sum{rows[0][i]} + rows[1][i]));
  fmt::format_to(std::back_inserter(answers), "{{\"add\":[{:#}]}}\n", fmt::join(sums, ","));
}

/// Adds the answer to a line, of one line, too.
inline void answer(std::string_view line, std::string& answers) {
  try {
    if (line.empty()) throw std::invalid_argument("an empty line");
    const bool whole = line.find_first_of(".eE") == line.npos;
    whole ? answer_numbers<std::int64_t>(line, answers) : answer_numbers<double>(line, answers);
  } catch (const std::exception& error) {
    fmt::format_to(std::back_inserter(answers), "{{\"error\":\"{}\"}}\n", error.what());
  }
}
