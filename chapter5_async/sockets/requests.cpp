// SPDX-License-Identifier: MIT
#include "requests.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace {

/// So little of JSON that it is read in one go and added up on the way; all else is an error.
class Request {
 public:
  /// Requires: the line ends with its '\n', where all reading stops.
  explicit Request(std::string_view line) : at_(line.data()), end_(at_ + line.size()) {}

  /// Adds the answer to the others. Errors: std::invalid_argument, std::range_error.
  void answer(std::string& answers) {
    static std::vector<Number> sums;  // there is one thread: kept for the next request
    if (sums.capacity() > 1 << 20) sums = {};
    const bool is_list = read(sums);
    if (whole_ && !fits_) throw std::range_error("an integer overflow");
    answers += is_list ? R"({"add":[)" : R"({"sum":)";
    for (const char* comma = ""; const Number& sum : sums) {
      if (!std::isfinite(sum.real)) throw std::range_error("the result is not finite");
      answers += std::exchange(comma, ",");
      answers += whole_ ? fmt::format_int(sum.whole).str()
                        : fmt::format("{}", sum.real);  // the shortest that reads back
    }
    answers += is_list ? "]}\n" : "}\n";
  }

 private:
  struct Number {  // which of them counts is known when all have been read
    std::int64_t whole = 0;
    double real = 0;
  };

  /// True if it asks for a list.
  bool read(std::vector<Number>& sums) {
    expect("{\"");
    const std::string name{letter(), letter(), letter()};
    const bool is_list = name == "add";
    if (*at_++ != '"' || (name != "sum" && !is_list)) refuse();
    expect(is_list ? ":[" : ":");
    sums.assign(is_list ? 0 : 1, {});
    const std::size_t count = read_list(sums, is_list);
    if (is_list) expect(",");
    if (is_list && read_list(sums, true) != count)
      throw std::invalid_argument("two lists of unequal length");
    expect(is_list ? "]}\n" : "}\n");
    return is_list;
  }

  /// Adds each to a sum of its own, or all to one. Returns how many.
  std::size_t read_list(std::vector<Number>& sums, bool each) {
    std::size_t count = 0;
    expect("[");
    if (accept(']')) return count;
    do {
      const Number number = read_number();
      if (each && count == sums.size()) sums.emplace_back();
      Number& sum = sums[each ? count : 0];
      ++count;
      fits_ &= !__builtin_add_overflow(sum.whole, number.whole, &sum.whole);
      sum.real += number.real;
    } while (accept(','));
    expect("]");
    return count;
  }

  /// Most are whole, not negative, and a comma follows at once: for them it has to be quick.
  Number read_number() {
    const char* at = at_;
    std::uint64_t value = 0;
    for (unsigned digit; (digit = static_cast<unsigned>(*at - '0')) < 10; ++at)
      value = 10 * value + digit;
    const auto digits = at - at_;
    if (*at != ',' || digits < 1 || digits > 18 || (digits > 1 && *at_ == '0'))
      return read_any_number();
    at_ = at;
    return {static_cast<std::int64_t>(value), static_cast<double>(value)};
  }

  Number read_any_number() {
    const bool is_negative = accept('-');
    const char* const begin = at_ - is_negative;
    if (*at_ == '0' && at_[1] >= '0' && at_[1] <= '9') refuse();
    skip_digits();
    const char* const end = at_;
    if (*at_ == '.') ++at_, skip_digits();
    if (*at_ == 'e' || *at_ == 'E') {
      at_ += at_[1] == '+' || at_[1] == '-' ? 2 : 1;
      skip_digits();
    }
    Number number;
    if (at_ == end) fits_ &= std::from_chars(begin, at_, number.whole).ec == std::errc();
    whole_ &= at_ == end;
    if (std::from_chars(begin, at_, number.real).ec != std::errc())
      number.real = std::strtod(begin, nullptr);  // too large: infinite; too small: next to 0
    return number;
  }

  /// At least one.
  void skip_digits() {
    const char* const begin = at_;
    while (*at_ >= '0' && *at_ <= '9') ++at_;
    if (at_ == begin) refuse();
  }

  /// Of a name, where it may also be written as \u0073.
  char letter() {
    if (*at_ == '\n') refuse();
    if (*at_ != '\\' || at_[1] != 'u' || end_ - at_ < 6) return *at_++;
    unsigned code = 0;
    const char* const begin = std::exchange(at_, at_ + 6);
    if (std::from_chars(begin + 2, at_, code, 16).ptr != at_ || code > 127) refuse();
    return static_cast<char>(code);
  }

  bool accept(char wanted) {
    while (*at_ == ' ' || *at_ == '\t' || *at_ == '\r') ++at_;
    return *at_ == wanted && ++at_;
  }
  void expect(std::string_view wanted) {
    for (const char mark : wanted)
      if (!accept(mark)) refuse();
  }
  [[noreturn]] static void refuse() {
    throw std::invalid_argument("not a request: {'sum':[1,2]} or {'add':[[1,2],[3,4]]}");
  }

  const char *at_, *end_;
  bool whole_ = true, fits_ = true;  // all numbers; those that are whole, in 64 bits
};

}  // namespace

void answer(std::string_view line, std::string& answers) {
  const std::size_t before = answers.size();
  try {
    Request(line).answer(answers);
  } catch (const std::exception& error) {
    answers.resize(before);
    answers.append(R"({"error":")").append(error.what()).append("\"}\n");
  }
}
