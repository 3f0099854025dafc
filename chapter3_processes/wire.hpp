// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"

#include <boost/json/value.hpp>

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

/// What came is not a message: too long, not JSON, or not UTF-8.
struct BadMessage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// One end of a connection whose messages are lines of JSON, of a limited length. A stream carries
/// bytes and knows no messages: one read may bring half of one, or three.
/// Requires: a connected stream socket. Thread safety: as that of a vector. Errors: std::system_error
/// when the socket fails; a peer that is gone is an error (EPIPE, ECONNRESET) and no signal.
class Wire {
 public:
  static constexpr std::size_t longest = 64 * 1024;  // bytes of a line

  explicit Wire(pdc::Descriptor socket, std::size_t limit = longest)
      : socket_(std::move(socket)), limit_(limit) {}

  /// For poll() and the like.
  int descriptor() const noexcept { return socket_.get(); }

  /// Sends a message whole, however many writes that takes; waits while the peer reads nothing.
  /// Errors: BadMessage, and nothing is sent, if it is longer than the limit.
  void send(const boost::json::value& message);

  /// The next message; waits for it. None when the stream has ended; what stood behind the last
  /// line is no message. Errors: BadMessage for a line that is none; the next ones can be received
  /// all the same.
  std::optional<boost::json::value> receive();

  /// For servers that wait for many with poll(): reads once what is there, waits for nothing.
  /// False when the stream has ended.
  bool fill();

  /// The next message of those that fill() has read, or none yet. Errors: as receive().
  std::optional<boost::json::value> take();

 private:
  bool read_some(int flags);

  pdc::Descriptor socket_;
  std::size_t limit_;
  std::string unread_;      // what came after the last message that was taken
  std::size_t looked_ = 0;  // bytes of it known to hold no end of line
  bool skipping_ = false;   // to the end of a line that was too long
};
