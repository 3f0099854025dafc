// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"

#include <fmt/core.h>
#include <openssl/crypto.h>
#include <sys/random.h>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

/// Who may ask: the browsers of the one who has started the server.
namespace book_server {

namespace http = boost::beast::http;
using Request = http::request<http::empty_body>;

/// 128 bits that nobody can guess, in hexadecimal digits. Errors: std::system_error.
inline std::string make_secret() {
  std::array<unsigned char, 16> bytes;
  if (getrandom(bytes.data(), bytes.size(), 0) != std::ssize(bytes)) pdc::throw_errno("getrandom");
  std::string text;
  for (const int byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

/// The time that it takes tells nothing of where they differ.
inline bool are_same(std::string_view one, std::string_view other) {
  return one.size() == other.size() && CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

/// A token stands in the address that the server prints. A browser that brings it gets a cookie, a
/// session, and the token stands in no address any more.
class Guard {
 public:
  enum class Manner { careful, careless };

  Guard(Manner manner, unsigned port) : manner_(manner), port_(port), token_(make_secret()) {}

  /// As browsers write it: without the port that they take anyway.
  std::string host() const {
    return port_ == 80 ? "127.0.0.1" : fmt::format("127.0.0.1:{}", port_);
  }
  std::string address() const { return fmt::format("http://{}/?token={}", host(), token_); }
  /// Cookies know no ports, so their names have to.
  std::string cookie_name() const { return fmt::format("pdc_{}", port_); }

  /// A new session, for the one who has the token. The oldest one goes when there are too many.
  std::optional<std::string> admit(std::string_view token) {
    if (!are_same(token, token_)) return std::nullopt;
    if (sessions_.size() == most_sessions) sessions_.pop_front();
    return sessions_.emplace_back(make_secret());
  }

  /// Whose request it is, or nothing. A page of another site may send requests here; a browser then
  /// names the page in Origin, and keeps the cookie for itself, since that is SameSite=Strict. A
  /// name of that site that leads to this machine stands in Host.
  std::optional<std::string> session_of(const Request& request) const {
    if (manner_ == Manner::careless) return "anybody";  // wrong on purpose
    if (!is_for_us(request) || !is_from_our_page(request)) return std::nullopt;
    const std::string cookies = fmt::format(";{}", std::string_view(request[http::field::cookie]));
    for (const auto& [name, value] : http::param_list(cookies)) {
      const auto is_it = [&](const std::string& session) { return are_same(session, value); };
      const auto session = std::ranges::find_if(sessions_, is_it);
      if (name == cookie_name() && session != sessions_.end()) return *session;
    }
    return std::nullopt;
  }

  bool is_for_us(const Request& request) const {
    return manner_ == Manner::careless ||
           (request.count(http::field::host) == 1 && request[http::field::host] == host());
  }

 private:
  /// What changes something has to say where it comes from; what only reads may be silent on that.
  bool is_from_our_page(const Request& request) const {
    if (request.count(http::field::origin) == 0) return request.method() != http::verb::post;
    return request[http::field::origin] == "http://" + host();
  }

  static constexpr std::size_t most_sessions = 16;
  const Manner manner_;
  const unsigned port_;
  const std::string token_;
  std::deque<std::string> sessions_ = {};
};

}  // namespace book_server
