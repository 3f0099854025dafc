// SPDX-License-Identifier: MIT
#pragma once

#include "seal.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A connection of coordinator and worker: one JSON object a line, both ways, on one event loop.
namespace job_farm {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

constexpr std::size_t longest_greeting = 1024, longest_line = 64 * 1024;  // bytes

/// The other side does not keep to the protocol.
struct BrokenProtocol : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// What is sent is kept until it is written by write_out(), which runs beside who receives. So
/// nobody waits for somebody who does not read, and what was sent together is written at once.
class Link {
 public:
  explicit Link(tcp::socket socket) : socket_(std::move(socket)), news_(socket_.get_executor()) {
    boost::system::error_code ignored;  // it may be gone already
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
  }

  /// From now on each line that is sent or received ends with its code.
  void seal(std::string_view mine, std::string_view theirs) {
    outgoing_.emplace(mine);
    incoming_.emplace(theirs);
  }

  bool is_sealed() const { return incoming_.has_value(); }

  /// The next message. Errors: BrokenProtocol; boost::system::system_error at the end.
  asio::awaitable<json::object> receive() {
    unread_.erase(0, std::exchange(taken_, 0));
    boost::system::error_code error;
    taken_ = unread_.find('\n') + 1;
    if (taken_ == 0) {
      const std::size_t longest = incoming_ ? longest_line : longest_greeting;
      taken_ =
          co_await asio::async_read_until(socket_, asio::dynamic_buffer(unread_, longest), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == asio::error::not_found) throw BrokenProtocol("a line is too long");
    if (error) throw boost::system::system_error(error);
    json::object message = parse(text_of(std::string_view(unread_).substr(0, taken_ - 1)));
    ticks_ = 0;
    co_return message;
  }

  void send(const json::object& message) {
    unsent_ += line_of(message);
    news_.cancel();  // wakes write_out()
  }

  /// A sign of life, unless something else is on its way.
  void send_beat() {
    if (unsent_.empty()) send({{"alive", true}});
  }

  /// Counts a tick of its owner. Returns how many there have been since a message came. Silence is
  /// counted so, and not read off the clock: whoever was stopped itself ticks once, and then reads
  /// what came meanwhile.
  int tick() { return ++ticks_; }

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
    if (!last.empty()) socket_.write_some(asio::buffer(unsent_ + line_of(last)), ignored);
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    unsent_.clear();
    finish();
  }

 private:
  std::string line_of(const json::object& message) {
    const std::string text = json::serialize(message);
    return outgoing_ ? fmt::format("{} {}\n", text, outgoing_->next(text)) : text + '\n';
  }

  /// What a line says, without its code.
  std::string_view text_of(std::string_view line) {
    if (!incoming_) return line;
    const std::size_t end = line.rfind(' ');
    const std::string_view text = line.substr(0, end);
    const std::string_view code = end == line.npos ? "" : line.substr(end + 1);
    if (!is_same(code, incoming_->next(text))) throw BrokenProtocol("the code of a line is wrong");
    return text;
  }

  static json::object parse(std::string_view text) {
    boost::system::error_code error;
    json::value message = json::parse(text, error);
    if (error || !message.is_object()) throw BrokenProtocol("a line is no JSON object");
    return std::move(message.get_object());
  }

  tcp::socket socket_;
  asio::steady_timer news_;
  std::optional<Seal> outgoing_, incoming_;
  std::string unread_, unsent_;
  std::size_t taken_ = 0;  // bytes of `unread_` that the last message was
  int ticks_ = 0;          // of its owner, since then
  bool finished_ = false;
};

/// A member of a message, or BrokenProtocol.
inline std::string text_in(const json::object& message, std::string_view key) {
  const json::value* value = message.if_contains(key);
  if (value == nullptr || !value->is_string()) throw BrokenProtocol(fmt::format("no {}", key));
  return std::string(value->get_string());
}

inline int number_in(const json::object& message, std::string_view key) {
  const json::value* value = message.if_contains(key);
  const bool is_number = value != nullptr && value->is_int64();
  if (!is_number || !std::in_range<int>(value->get_int64()))
    throw BrokenProtocol(fmt::format("no {}", key));
  return static_cast<int>(value->get_int64());
}

}  // namespace job_farm
