// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::generic::stream_protocol::socket;  // of TCP, or one end of a socket pair
using Time = std::chrono::milliseconds;                 // since the server began
using Answer = std::string(std::string_view line);
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

struct Limits {
  std::size_t line;  // bytes, its end among them
  Time line_time;    // from its first byte to its end
  Time silence;      // before a line, and until its answer has been read
};

inline std::string make_error(std::string_view why) {
  return boost::json::serialize(boost::json::object{{"error", why}}) + '\n';
}

/// Answers lines, within limits. It has no clock: it is told the time. For one thread. Requires that
/// it lives until size() is 0 or the loop runs no more, and that the answer does not throw.
class Server {
 public:
  Server(Answer& answer, const Limits& limits) : answer_(answer), limits_(limits) {}

  /// Until the client has said all, is gone, or is hung up on.
  asio::awaitable<void> talk(Socket client) {
    const auto place = connections_.insert(connections_.end(), {std::move(client), Time::max()});
    auto& [socket, until] = *place;
    std::string unread;
    for (;;) {
      if (unread.empty()) {
        unread.shrink_to_fit();  // a silent client keeps no buffer
        until = now_ + limits_.silence;
        co_await socket.async_wait(Socket::wait_read, with_error);
      }
      until = now_ + limits_.line_time;  // from its first byte on, however many follow
      const auto [error, size] = co_await asio::async_read_until(
          socket, asio::dynamic_buffer(unread, limits_.line), '\n', with_error);
      if (error == asio::error::not_found) co_await hang_up(socket, "the line is too long");
      if (error) break;
      const std::string said = answer_(std::string_view(unread).substr(0, size));
      unread.erase(0, size);
      until = now_ + limits_.silence;
      const auto [gone, sent] = co_await asio::async_write(socket, asio::buffer(said), with_error);
      if (gone) break;
    }
    connections_.erase(place);
  }

  /// Hangs up on the clients whose time is over.
  void set_time(Time now) {
    now_ = now;
    for (Connection& connection : connections_) {
      error_code ignored;
      if (std::min(connection.until, until_) <= now) connection.socket.close(ignored);
    }
  }

  /// What has come by now is still answered, and on Linux what comes while that goes on, too, until
  /// the time for a line is over; other systems may drop it.
  void end() {
    until_ = now_ + limits_.line_time;
    for (Connection& connection : connections_) {
      error_code ignored;
      connection.socket.shutdown(Socket::shutdown_receive, ignored);  // behind what has come
    }
  }

  int size() const { return static_cast<int>(connections_.size()); }

 private:
  struct Connection {
    Socket socket;
    Time until;
  };

  /// Drops what still comes: to close with bytes unread would be a reset, and could take the line.
  static asio::awaitable<void> hang_up(Socket& socket, std::string_view why) {
    const std::string said = make_error(why);
    co_await asio::async_write(socket, asio::buffer(said), with_error);
    error_code error;
    socket.shutdown(Socket::shutdown_send, error);
    std::array<char, 512> ignored;
    auto keep_error = asio::redirect_error(asio::use_awaitable, error);
    while (!error) co_await socket.async_read_some(asio::buffer(ignored), keep_error);
  }

  Answer& answer_;
  const Limits limits_;
  Time now_ = Time(0), until_ = Time::max();
  std::list<Connection> connections_;
};
