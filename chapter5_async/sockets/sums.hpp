// SPDX-License-Identifier: MIT
#pragma once

#include <boost/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>

/// Whole numbers are added up exactly as long as each, and each sum on the way, fits a signed 64-bit
/// integer. One number with a fraction or an exponent, or of 2^64 or more, makes all of them real.
/// Errors: std::range_error when one does not fit; boost::system::system_error for what is
/// no number.
inline boost::json::value add_up(const boost::json::array& numbers) {
  if (std::ranges::any_of(numbers, [](const auto& number) { return number.is_double(); })) {
    double sum = 0;
    for (const boost::json::value& number : numbers) sum += number.to_number<double>();
    if (!std::isfinite(sum)) throw std::range_error("the sum is not finite");
    return sum;
  }
  std::int64_t sum = 0;
  for (const boost::json::value& number : numbers) {  // is_uint64: too large for a signed one
    if (number.is_uint64() || __builtin_add_overflow(sum, number.to_number<std::int64_t>(), &sum))
      throw std::range_error("a number or a sum on the way does not fit a signed 64-bit integer");
  }
  return sum;
}

/// {"sum":[1,2,3]} has the answer {"sum":6}, all else {"error":"..."}.
inline boost::json::object answer_request(const boost::json::value& request) {
  try {
    if (request.as_object().size() != 1) throw std::invalid_argument("more than a sum");
    return {{"sum", add_up(request.at("sum").as_array())}};
  } catch (const std::range_error& error) {
    return {{"error", error.what()}};
  } catch (const std::exception&) {  // no object, no array, no number
    return {{"error", "not a request: {\"sum\":[1,2,3]}"}};
  }
}

/// Requires: no '\n' but at the end of the line, which the answer has, too.
inline std::string answer_line(std::string_view line) {
  boost::system::error_code error;
  const boost::json::value request = boost::json::parse(line, error);  // null: what is no JSON
  return boost::json::serialize(answer_request(request)) + '\n';
}
