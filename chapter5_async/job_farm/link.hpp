// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/coroutine.hpp"
#include "pdc/secret.hpp"

#include <fmt/core.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

/// A connection of coordinator and worker, the same at both ends: lines of JSON with a limit, a code
/// for each, and heartbeats.
namespace job_farm {

namespace asio = boost::asio;
namespace json = boost::json;
using asio::ip::tcp;

constexpr std::size_t longest_greeting = 1024, longest_line = 64 * 1024;  // bytes
constexpr int beats_per_second = 10;
constexpr std::chrono::milliseconds beat_period(1000 / beats_per_second);

/// How many heartbeats there are in so many seconds.
inline int beats_in(double seconds) {
  return static_cast<int>(std::lround(beats_per_second * seconds));
}

/// The other end does not keep to the protocol. What boost::json throws says the same: it is a
/// boost::system::system_error or a std::logic_error, too.
struct BrokenProtocol : std::logic_error {
  using std::logic_error::logic_error;
};

class Link : public std::enable_shared_from_this<Link> {
 public:
  /// The other end is silent after so many heartbeats without a whole line.
  Link(tcp::socket socket, int silent_after)
      : socket_(std::move(socket)), silent_after_(silent_after) {}

  /// Each end sends a challenge, and both make a key of these and the secret. From then on each line
  /// ends with its code: the first one that comes proves that the other end knows the secret.
  asio::awaitable<void> greet(std::string_view secret, pdc::Side me) {
    socket_.set_option(tcp::no_delay(true));
    const std::string mine = pdc::new_challenge();
    send({{"challenge", mine}});
    const json::object answer = co_await receive();
    const std::string theirs(answer.at("challenge").as_string());
    if (theirs.size() != mine.size()) throw BrokenProtocol("no challenge");
    seal_.emplace(secret, me, mine, theirs);
  }

  /// The next message. Errors: BrokenProtocol; boost::system::system_error, also at the end.
  asio::awaitable<json::object> receive() {
    unread_.erase(0, std::exchange(taken_, 0));
    boost::system::error_code error;
    taken_ = unread_.find('\n') + 1;
    if (taken_ == 0) {
      const std::size_t longest = is_sealed() ? longest_line : longest_greeting;
      taken_ =
          co_await asio::async_read_until(socket_, asio::dynamic_buffer(unread_, longest), '\n',
                                          asio::redirect_error(asio::use_awaitable, error));
    }
    if (error == asio::error::not_found) throw BrokenProtocol("a line is too long");
    if (error) throw boost::system::system_error(error);
    const std::string_view text = check_code(std::string_view(unread_).substr(0, taken_ - 1));
    json::object message = json::parse(text).as_object();
    beats_ = 0;
    co_return message;
  }

  /// Nobody waits until it is written, so one that does not read keeps nobody else waiting. What is
  /// sent together is written at once.
  void send(const json::object& message) {
    if (is_over_ || !socket_.is_open()) return;
    unsent_ += line_of(message);
    if (std::exchange(writing_, true)) return;
    asio::co_spawn(socket_.get_executor(), write_out(shared_from_this()), pdc::rethrow);
  }

  /// In each period: says that this end lives, unless something else is on its way.
  void beat() {
    if (is_sealed() && unsent_.empty()) send({{"alive", true}});
    ++beats_;
  }

  /// No whole line has come for so many heartbeats, even if its bytes drip. They are counted, and no
  /// clock is read: an end that was stopped itself counts one, and then reads what has come.
  bool is_silent() const { return beats_ > silent_after_; }

  /// The end of it, at once or after a last line. Whoever receives hears of it.
  void close(std::string_view last_words = "") {
    boost::system::error_code ignored;
    if (last_words.empty()) socket_.close(ignored);
    send({{"error", last_words}});
    is_over_ = true;
  }

  bool is_open() const { return socket_.is_open(); }
  bool is_sealed() const { return seal_.has_value(); }
  tcp::socket& socket() { return socket_; }

 private:
  static asio::awaitable<void> write_out(std::shared_ptr<Link> link) {
    boost::system::error_code error;
    co_await asio::post(asio::use_awaitable);  // until whoever sends now has sent all
    while (!link->unsent_.empty() && !error) {
      const std::string now = std::exchange(link->unsent_, {});
      co_await asio::async_write(link->socket_, asio::buffer(now),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    link->writing_ = false;
    if (link->is_over_) link->socket_.close(error);
  }

  std::string line_of(const json::object& message) {
    const std::string text = json::serialize(message);
    return (is_sealed() ? seal_->close(text) : text) + '\n';
  }

  /// Returns what the line says, without its code.
  std::string_view check_code(std::string_view line) {
    if (!is_sealed()) return line;
    const auto text = seal_->open(line);
    if (!text)
      throw BrokenProtocol("a line's code is wrong: another secret, or somebody in between");
    return *text;
  }

  tcp::socket socket_;
  const int silent_after_;         // heartbeats
  std::optional<pdc::Seal> seal_;  // of this connection, once there is one
  std::string unread_, unsent_;
  std::size_t taken_ = 0;  // bytes of `unread_` that the last message was
  bool writing_ = false, is_over_ = false;
  int beats_ = 0;  // of this end, since the last message came
};

}  // namespace job_farm
