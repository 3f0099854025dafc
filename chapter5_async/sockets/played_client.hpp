// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

/// A client at one end of a socket pair, which delivers at once: every run is the same to the byte.
struct PlayedClient {
  PlayedClient(boost::asio::io_context& loop, pdc::Span span)
      : socket(loop), other(loop), bar(std::move(span)) {
    boost::asio::local::connect_pair(socket, other);
    socket.non_blocking(true);
  }

  /// Sends, lets the server do all that it can do now, and hears what it says.
  void talk(boost::asio::io_context& loop, std::string_view bytes) {
    boost::system::error_code error;
    const std::size_t sent = socket.write_some(boost::asio::buffer(bytes), error);
    if (heard.empty()) taken += sent;
    loop.restart();
    loop.poll();
    std::array<char, 256> said;
    heard.append(said.data(), socket.read_some(boost::asio::buffer(said), error));
    if (error && error != boost::asio::error::would_block) bar.end();  // the server has hung up
  }

  boost::asio::local::stream_protocol::socket socket, other;  // other: the server's end
  pdc::Span bar;
  std::size_t taken = 0;  // bytes, before the server has said anything
  std::string heard = {};
};
