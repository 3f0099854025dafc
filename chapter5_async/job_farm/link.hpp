// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/coroutine.hpp"
#include "pdc/secret.hpp"

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <cmath>
#include <functional>
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
  using Take = std::function<void(const json::object& message)>;

  /// The other end is silent after so many heartbeats without a whole line.
  Link(tcp::socket socket, pdc::Side me, int silent_after)
      : socket_(std::move(socket)), me_(me), silent_after_(silent_after) {}

  /// Greets, says hello if there is one, and hands on each message. Returns why that is over: the
  /// other end is gone, or breaks the protocol, of which `take` may be the judge.
  asio::awaitable<std::string> talk(std::string_view secret, const json::object& hello,
                                    const Take& take) {
    try {
      co_await greet(secret);
      if (!hello.empty()) send(hello);
      for (;;) {
        const json::object message = co_await receive();
        take(message);
      }
    } catch (const boost::system::system_error& gone_or_broken) {
      co_return is_silent() ? "it says nothing" : gone_or_broken.code().message();
    } catch (const std::logic_error& broken) {
      co_return broken.what();
    }
  }

  /// Nobody waits until it is written, so one that does not read keeps nobody else waiting. What is
  /// sent together is written at once.
  void send(const json::object& message) {
    if (is_over_) return;
    const std::string text = json::serialize(message);
    unsent_ += (seal_ ? seal_->close(text) : text) + '\n';
    if (std::exchange(writing_, true)) return;
    asio::co_spawn(socket_.get_executor(), write_out(shared_from_this()), pdc::rethrow);
  }

  /// From now on this end says that it lives, in each period, and calls `watch`: until close().
  void start_beating(std::function<void()> watch) {
    auto beating = beat(shared_from_this(), std::move(watch));
    asio::co_spawn(socket_.get_executor(), std::move(beating), pdc::rethrow);
  }

  /// No whole line has come for so many heartbeats, even if its bytes drip. They are counted, and no
  /// clock is read: an end that was stopped itself counts one, and then reads what has come.
  bool is_silent(int times_the_limit = 1) const { return beats_ > times_the_limit * silent_after_; }

  /// The end of it, at once or after a last line. Whoever receives hears of it.
  void close(std::string_view last_words = "") {
    if (!last_words.empty())
      send({{"error", last_words}});
    else
      hang_up();
    is_over_ = true;
  }

  bool is_open() const { return !is_over_; }
  tcp::socket& socket() { return socket_; }

 private:
  /// Each end sends a challenge, and both make a key of these and the secret. From then on each line
  /// ends with its code: the first one that comes proves that the other end knows the secret.
  asio::awaitable<void> greet(std::string_view secret) {
    socket_.set_option(tcp::no_delay(true));
    const std::string mine = pdc::new_challenge();
    send({{"challenge", mine}});
    const json::object answer = co_await receive();
    const std::string theirs(answer.at("challenge").as_string());
    if (theirs.size() != mine.size()) throw BrokenProtocol("no challenge");
    seal_.emplace(secret, me_, mine, theirs);
  }

  asio::awaitable<json::object> receive() {
    boost::system::error_code error;
    auto unread = asio::dynamic_buffer(unread_, seal_ ? longest_line : longest_greeting);
    const std::size_t size = co_await asio::async_read_until(
        socket_, unread, '\n', asio::redirect_error(asio::use_awaitable, error));
    if (error == asio::error::not_found) throw BrokenProtocol("a line is too long");
    if (error) throw boost::system::system_error(error);
    const std::string line = unread_.substr(0, size - 1);
    unread_.erase(0, size);
    const auto text = seal_ ? seal_->open(line) : line;
    if (!text)
      throw BrokenProtocol("a line's code is wrong: another secret, or somebody in between");
    json::object message = json::parse(*text).as_object();
    beats_ = 0;
    co_return message;
  }

  static asio::awaitable<void> write_out(std::shared_ptr<Link> link) {
    boost::system::error_code error;
    co_await asio::post(asio::use_awaitable);  // until whoever sends now has sent all
    while (!link->unsent_.empty() && !error) {
      const std::string now = std::exchange(link->unsent_, {});
      co_await asio::async_write(link->socket_, asio::buffer(now),
                                 asio::redirect_error(asio::use_awaitable, error));
    }
    link->writing_ = false;
    if (link->is_over_) link->hang_up();
  }

  static asio::awaitable<void> beat(std::shared_ptr<Link> link, std::function<void()> watch) {
    while (link->socket_.is_open()) {
      link->period_.expires_after(beat_period);
      co_await link->period_.async_wait(asio::as_tuple(asio::use_awaitable));
      ++link->beats_;
      if (link->is_over_) {  // the other end may not read the last words
        if (link->is_silent()) link->hang_up();
        continue;
      }
      if (link->seal_ && link->unsent_.empty()) link->send({{"alive", true}});
      watch();
    }
  }

  void hang_up() {
    boost::system::error_code ignored;
    socket_.close(ignored);
    period_.cancel();
  }

  tcp::socket socket_;
  asio::steady_timer period_{socket_.get_executor()};
  const pdc::Side me_;
  const int silent_after_;         // heartbeats
  std::optional<pdc::Seal> seal_;  // of this connection, once both ends have greeted
  std::string unread_, unsent_;
  bool writing_ = false, is_over_ = false;
  int beats_ = 0;  // of this end, since the last message came
};

}  // namespace job_farm
