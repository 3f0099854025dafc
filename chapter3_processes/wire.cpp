// SPDX-License-Identifier: MIT
#include "wire.hpp"

#include <fmt/core.h>
#include <sys/socket.h>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <array>
#include <cerrno>
#include <string_view>

namespace {

boost::json::value parse(std::string_view line) {
  boost::system::error_code error;
  boost::json::value value = boost::json::parse(line, error);
  if (error) throw BadMessage(fmt::format("not JSON: {}", error.message()));
  return value;
}

}  // namespace

void Wire::send(const boost::json::value& message) {
  std::string line = boost::json::serialize(message);
  if (line.size() > limit_)
    throw BadMessage(fmt::format("{} bytes, longer than {}", line.size(), limit_));
  line += '\n';
  for (std::string_view rest = line; !rest.empty();) {
    const ssize_t sent = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent == -1 && errno == EINTR) continue;
    rest.remove_prefix(static_cast<std::size_t>(pdc::posix(sent, "send")));
  }
}

std::optional<boost::json::value> Wire::receive() {
  while (true) {
    if (auto message = take()) return message;
    if (!read_some(0)) return std::nullopt;
  }
}

bool Wire::fill() {
  return read_some(MSG_DONTWAIT);
}

std::optional<boost::json::value> Wire::take() {
  const std::size_t end = unread_.find('\n', looked_);
  if (end == std::string::npos) {
    const bool too_long = unread_.size() > limit_;
    if (too_long || skipping_) unread_.clear();
    looked_ = unread_.size();
    if (!too_long || std::exchange(skipping_, true)) return std::nullopt;
    throw BadMessage(fmt::format("longer than {} bytes", limit_));
  }
  const std::string line = unread_.substr(0, end);
  unread_.erase(0, end + 1);
  looked_ = 0;
  if (std::exchange(skipping_, false)) return take();  // the rest of what was too long
  if (line.size() > limit_) throw BadMessage(fmt::format("longer than {} bytes", limit_));
  return parse(line);
}

/// False at the end of the stream.
bool Wire::read_some(int flags) {
  std::array<char, 4096> bytes;
  const ssize_t got = recv(socket_.get(), bytes.data(), bytes.size(), flags);
  if (got == -1 && (errno == EINTR || errno == EAGAIN)) return true;
  unread_.append(bytes.data(), static_cast<std::size_t>(pdc::posix(got, "recv")));
  return got > 0;
}
