// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio.hpp>

#include <array>
#include <cstddef>
#include <string>

/// How chat and publish_subscribe play clients that read when they like, at one end of a socket pair.

/// Reads all that has come, without waiting. True when the server has hung up.
inline bool hear(boost::asio::local::stream_protocol::socket& client, std::string& heard) {
  std::array<char, 4096> bytes;
  boost::system::error_code error;
  client.non_blocking(true, error);
  while (!error) {
    const std::size_t size = client.read_some(boost::asio::buffer(bytes), error);
    heard.append(bytes.data(), size);
  }
  return error == boost::asio::error::eof;
}

/// Forced, at the server's end: the kernel takes no byte more for a client that does not read.
inline void fill(boost::asio::local::stream_protocol::socket& server) {
  boost::system::error_code error;
  server.non_blocking(true, error);
  while (!error) server.write_some(boost::asio::buffer("what else it was told\n", 22), error);
}
