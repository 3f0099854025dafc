// SPDX-License-Identifier: MIT
#pragma once

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "pdc/secret.hpp"

/// A connection, the same at both ends: lines of JSON with a limit (as on the page `line_limits`), a
/// code for each (`authentication`), and heartbeats (`heartbeat`). Links pdc::link.
namespace pdc {

constexpr int beats_per_second = 10;
constexpr std::chrono::milliseconds beat_period(1000 / beats_per_second);

/// How many heartbeats there are in so many seconds.
int beats_in(double seconds);

/// The other end does not keep to the protocol.
struct BrokenProtocol : std::logic_error {
  using std::logic_error::logic_error;
};

/// One end of a connection. A line has at most 64 KiB, and at most 1 KiB before both ends have shown
/// that they know the secret. Thread safety: none; all of it happens on the thread that runs the loop
/// of the socket. Requires: std::make_shared has made it, since what is written, and each heartbeat,
/// outlives whoever asked for it.
class Link : public std::enable_shared_from_this<Link> {
 public:
  using Socket = boost::asio::ip::tcp::socket;
  /// Gets each message that has the right code. What it throws, BrokenProtocol or an error of
  /// Boost.JSON, ends talk().
  using Take = std::function<void(const boost::json::object& message)>;

  /// The other end counts as silent after so many heartbeats without a whole line.
  Link(Socket socket, Side me, int silent_after);

  /// Greets, says hello if there is one, and hands on each message. Returns why that is over: the
  /// other end is gone, is silent, or breaks the protocol. It closes nothing. Requires: the socket is
  /// connected; secret, hello and take outlive it.
  boost::asio::awaitable<std::string> talk(std::string_view secret,
                                           const boost::json::object& hello, const Take& take);

  /// Nobody waits until it is written, so an end that does not read keeps nobody else waiting. What
  /// is sent together is written at once. After close() it does nothing.
  void send(const boost::json::object& message);

  /// From now on this end says that it lives, in each period, and calls `watch`: until close().
  void start_beating(std::function<void()> watch);

  /// No whole line has come for so many heartbeats, even if its bytes drip. They are counted, and no
  /// clock is read: an end that was stopped itself counts one, and then reads what has come.
  bool is_silent(int times_the_limit = 1) const { return beats_ > times_the_limit * silent_after_; }

  /// The end of it, at once or after a last line, {"error": last_words}. Whoever is in talk() hears
  /// of it. An end that does not read the last line is hung up on when it counts as silent, if this
  /// one beats.
  void close(std::string_view last_words = "");

  bool is_open() const { return !is_over_; }
  Socket& socket() { return socket_; }

 private:
  boost::asio::awaitable<void> greet(std::string_view secret);
  boost::asio::awaitable<boost::json::object> receive();
  static boost::asio::awaitable<void> write_out(std::shared_ptr<Link> link);
  static boost::asio::awaitable<void> beat(std::shared_ptr<Link> link, std::function<void()> watch);
  void hang_up();

  Socket socket_;
  boost::asio::steady_timer period_;
  const Side me_;
  const int silent_after_;    // heartbeats
  std::optional<Seal> seal_;  // of this connection, once both ends have greeted
  std::string unread_, unsent_;
  bool writing_ = false, is_over_ = false;
  int beats_ = 0;  // of this end, since the last message came
};

}  // namespace pdc
