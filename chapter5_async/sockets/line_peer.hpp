// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/coroutine.hpp"

#include <boost/asio.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

/// The other end of a connection on which both ends send lines whenever they like. Its coroutines
/// share it, for each may be the last. Thread safety: none, one loop on one thread.
struct LinePeer {
  using Socket = boost::asio::local::stream_protocol::socket;  // elsewhere asio::ip::tcp::socket
  static constexpr std::size_t longest_line = 1 << 16;         // bytes

  Socket socket;
  std::string unsent = {}, unread = {};
  bool is_writing = false;
};
using Peer = std::shared_ptr<LinePeer>;

/// Until nothing is left, or the other end is gone, which the reader hears of.
inline boost::asio::awaitable<void> write_all(Peer peer) {
  boost::system::error_code error;
  while (!peer->unsent.empty() && !error) {
    const std::string lines = std::exchange(peer->unsent, {});
    co_await boost::asio::async_write(
        peer->socket, boost::asio::buffer(lines),
        boost::asio::redirect_error(boost::asio::use_awaitable, error));
  }
  peer->is_writing = false;
}

/// Many coroutines send, and one write at a time is under way: two would mix their bytes.
inline void send(const Peer& peer, const std::string& line) {
  peer->unsent += line;
  if (!std::exchange(peer->is_writing, true))
    boost::asio::co_spawn(peer->socket.get_executor(), write_all(peer), pdc::rethrow);
}

/// The next line, or an empty string when none comes any more. One coroutine at a time.
inline boost::asio::awaitable<std::string> read_line(Peer peer) {
  const auto [error, size] = co_await boost::asio::async_read_until(
      peer->socket, boost::asio::dynamic_buffer(peer->unread, LinePeer::longest_line), '\n',
      boost::asio::as_tuple(boost::asio::use_awaitable));
  std::string line = peer->unread.substr(0, error ? 0 : size);
  peer->unread.erase(0, line.size());
  co_return line;
}
