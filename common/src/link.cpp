// SPDX-License-Identifier: MIT
#include "pdc/link.hpp"

#include <cmath>
#include <utility>

#include "pdc/coroutine.hpp"

namespace pdc {

namespace asio = boost::asio;
namespace json = boost::json;

namespace {

constexpr std::size_t longest_greeting = 1024, longest_line = 64 * 1024;  // bytes

}  // namespace

int beats_in(double seconds) {
  return static_cast<int>(std::lround(beats_per_second * seconds));
}

Link::Link(Socket socket, Side me, int silent_after)
    : socket_(std::move(socket)),
      period_(socket_.get_executor()),
      me_(me),
      silent_after_(silent_after) {}

asio::awaitable<std::string> Link::talk(std::string_view secret, const json::object& hello,
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
  } catch (const std::logic_error& broken) {  // what boost::json throws is one, too, or the above
    co_return broken.what();
  }
}

void Link::send(const json::object& message) {
  if (is_over_) return;
  const std::string text = json::serialize(message);
  unsent_ += (seal_ ? seal_->close(text) : text) + '\n';
  if (std::exchange(writing_, true)) return;
  asio::co_spawn(socket_.get_executor(), write_out(shared_from_this()), rethrow);
}

void Link::start_beating(std::function<void()> watch) {
  auto beating = beat(shared_from_this(), std::move(watch));
  asio::co_spawn(socket_.get_executor(), std::move(beating), rethrow);
}

void Link::close(std::string_view last_words) {
  if (!last_words.empty())
    send({{"error", last_words}});
  else
    hang_up();
  is_over_ = true;
}

/// Each end sends a challenge, and both make a key of these and the secret. From then on each line
/// ends with its code: the first one that comes proves that the other end knows the secret.
asio::awaitable<void> Link::greet(std::string_view secret) {
  socket_.set_option(asio::ip::tcp::no_delay(true));
  const std::string mine = new_challenge();
  send({{"challenge", mine}});
  const json::object answer = co_await receive();
  const std::string theirs(answer.at("challenge").as_string());
  if (theirs.size() != mine.size()) throw BrokenProtocol("no challenge");
  seal_.emplace(secret, me_, mine, theirs);
}

asio::awaitable<json::object> Link::receive() {
  boost::system::error_code error;
  auto unread = asio::dynamic_buffer(unread_, seal_ ? longest_line : longest_greeting);
  const std::size_t size = co_await asio::async_read_until(
      socket_, unread, '\n', asio::redirect_error(asio::use_awaitable, error));
  if (error == asio::error::not_found) throw BrokenProtocol("a line is too long");
  if (error) throw boost::system::system_error(error);
  const std::string line = unread_.substr(0, size - 1);
  unread_.erase(0, size);
  const auto text = seal_ ? seal_->open(line) : line;
  if (!text) throw BrokenProtocol("a line's code is wrong: another secret, or somebody in between");
  json::object message = json::parse(*text).as_object();
  beats_ = 0;
  co_return message;
}

asio::awaitable<void> Link::write_out(std::shared_ptr<Link> link) {
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

asio::awaitable<void> Link::beat(std::shared_ptr<Link> link, std::function<void()> watch) {
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

void Link::hang_up() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  period_.cancel();
}

}  // namespace pdc
