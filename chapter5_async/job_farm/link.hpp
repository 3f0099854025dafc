// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>
#include <boost/asio.hpp>
#include <boost/crc.hpp>
#include <boost/json.hpp>

#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A connection of coordinator and worker: one JSON object a line and its check sum, both ways, on
/// one event loop.
namespace job_farm {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

constexpr std::size_t longest = 64 * 1024;  // bytes of a line

/// The other side does not keep to the protocol.
struct BrokenProtocol : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The end of a line: a CRC-32 of what it says. TCP has a check sum, too, but of 16 bits, and what
/// handles the data between two connections can damage it unseen.
inline std::string end_of(std::string_view text) {
  boost::crc_32_type sum;
  sum.process_bytes(text.data(), text.size());
  return fmt::format(" {:08x}\n", sum.checksum());
}

inline std::string line_of(const json::object& message) {
  const std::string text = json::serialize(message);
  return text + end_of(text);
}

/// Errors: BrokenProtocol.
inline json::object message_in(std::string_view line) {
  const std::string_view text = line.substr(0, line.rfind(' '));
  if (line.substr(text.size()) != end_of(text)) throw BrokenProtocol("a line is damaged");
  boost::system::error_code error;
  json::value message = json::parse(text, error);
  if (error || !message.is_object()) throw BrokenProtocol("a line is no JSON object");
  return std::move(message.get_object());
}

/// What is sent is kept until it is written by write_out(), which runs beside who receives. So
/// nobody waits for somebody who does not read, and what was sent together is written at once.
class Link {
 public:
  explicit Link(tcp::socket socket) : socket_(std::move(socket)), news_(socket_.get_executor()) {
    boost::system::error_code ignored;  // it may be gone already
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.set_option(asio::socket_base::keep_alive(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  /// The next message. Errors: BrokenProtocol; boost::system::system_error at the end.
  asio::awaitable<json::object> receive() {
    unread_.erase(0, std::exchange(taken_, 0));
    boost::system::error_code error;
    taken_ = unread_.find('\n') + 1;
    if (taken_ == 0) {
      taken_ =
          co_await asio::async_read_until(socket_, asio::dynamic_buffer(unread_, longest), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == asio::error::not_found) throw BrokenProtocol("a line is too long");
    if (error) throw boost::system::system_error(error);
    co_return message_in(std::string_view(unread_).substr(0, taken_));
  }

  void send(const json::object& message) {
    unsent_ += line_of(message);
    news_.cancel();  // wakes write_out()
  }

  /// Nothing more will be sent: write_out() returns when all is written.
  void finish() {
    finished_ = true;
    news_.cancel();
  }

  bool is_finished() const { return finished_; }

  /// Writes what is sent until finish(), or until the connection fails: receive() says so then.
  asio::awaitable<void> write_out() {
    boost::system::error_code error;
    for (std::string now; !error; now.clear()) {
      while (unsent_.empty() && !finished_) {
        news_.expires_at(asio::steady_timer::time_point::max());
        co_await news_.async_wait(asio::as_tuple(asio::use_awaitable));
      }
      if (unsent_.empty()) break;
      std::swap(now, unsent_);
      co_await asio::async_write(socket_, asio::buffer(now),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    socket_.shutdown(tcp::socket::shutdown_send, error);  // the other side sees the end, and closes
  }

  /// The end of it, after as much of a last message as can be written at once.
  void close(const json::object& last = {}) {
    boost::system::error_code ignored;
    const std::string line = line_of(last);
    if (!last.empty()) socket_.write_some(asio::buffer(line), ignored);
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    unsent_.clear();
    finish();
  }

 private:
  tcp::socket socket_;
  asio::steady_timer news_;
  std::string unread_, unsent_;
  std::size_t taken_ = 0;  // bytes of `unread_` that the last message was
  bool finished_ = false;
};

/// A member of a message, or BrokenProtocol.
inline std::string_view text_in(const json::object& message, std::string_view key) {
  const json::value* value = message.if_contains(key);
  if (value == nullptr || !value->is_string()) throw BrokenProtocol(fmt::format("no {}", key));
  return value->get_string();
}

inline int number_in(const json::object& message, std::string_view key) {
  const json::value* value = message.if_contains(key);
  const bool is_number = value != nullptr && value->is_int64();
  if (!is_number || !std::in_range<int>(value->get_int64()))
    throw BrokenProtocol(fmt::format("no {}", key));
  return static_cast<int>(value->get_int64());
}

}  // namespace job_farm
