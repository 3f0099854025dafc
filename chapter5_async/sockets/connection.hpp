// SPDX-License-Identifier: MIT
#pragma once

#include "requests.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// One client: takes lines, and sends an answer to each. One thread has all of them.
class Connection {
 public:
  explicit Connection(tcp::socket accepted) : socket_(std::move(accepted)) {
    error_code ignored;  // the client may be gone already
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
  }
  ~Connection() { held -= holds_; }

  Clock::time_point since() const noexcept { return since_; }       // the last sign of life
  bool is_answering() const noexcept { return !answers_.empty(); }  // waits till they are read

  /// One request after the other, until the client has said all, is gone, or is cut.
  asio::awaitable<void> talk(std::size_t longest) {
    std::size_t looked = 0;  // so far there is no end of a line
    for (;;) {
      co_await socket_.async_wait(tcp::socket::wait_read, with_error);
      if (!receive()) co_return;
      std::size_t begin = 0, end;
      while ((end = unread_.find('\n', looked)) != unread_.npos && end - begin <= longest) {
        answer(std::string_view(unread_).substr(begin, end + 1 - begin), answers_);
        begin = looked = end + 1;
        if (answers_.size() > bytes.size() && !co_await send()) co_return;
      }
      unread_.erase(0, begin);
      looked = unread_.size();
      tidy();
      const bool too_long = looked > longest, too_much = held > most_held && holds_ > little;
      if (too_long) answers_ += "{\"error\":\"the line is too long\"}\n";
      if (too_much) answers_ += "{\"error\":\"too much is waiting here: come back later\"}\n";
      if (!co_await send()) co_return;
      if (too_long || too_much) co_return co_await hang_up();
    }
  }

  /// Ends it now; whoever waits for it is resumed with an error.
  void cut() {
    error_code ignored;
    socket_.close(ignored);
  }

  /// What has come by now is still answered, then it ends.
  void end() {
    error_code ignored;
    may_come_ = socket_.available(ignored);
    socket_.shutdown(tcp::socket::shutdown_receive, ignored);  // so it waits no longer
  }

 private:
  /// False when nothing will come any more.
  bool receive() {
    if (may_come_ == 0) return false;
    error_code error;
    const std::size_t most = std::min(bytes.size(), may_come_);
    const std::size_t count = socket_.read_some(asio::buffer(bytes, most), error);
    if (unread_.empty() && spare.capacity() > 0) unread_.swap(spare);
    unread_.append(bytes.data(), count);
    since_ = Clock::now();
    if (may_come_ != SIZE_MAX) may_come_ -= count;
    return !error || error == asio::error::would_block;
  }

  /// All answers, at the client's pace. False when it is gone.
  asio::awaitable<bool> send() {
    error_code error;
    for (std::string_view left = answers_; !left.empty() && !error;) {
      left.remove_prefix(socket_.write_some(asio::buffer(left), error));
      if (error == asio::error::would_block)  // it reads too slowly: so do we
        std::tie(error) = co_await socket_.async_wait(tcp::socket::wait_write, with_error);
      since_ = Clock::now();
    }
    answers_.clear();
    tidy();
    co_return !error;
  }

  /// Lets the client read the last answer: to close now, with bytes unread, would be a reset.
  asio::awaitable<void> hang_up() {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    unread_.clear();
    tidy();
    while (!error || error == asio::error::would_block) {
      co_await socket_.async_wait(tcp::socket::wait_read, with_error);
      socket_.read_some(asio::buffer(bytes), error);  // no sign of life: it has to end in time
    }
  }

  /// Without a line under way it needs no buffer: the next one who has may use it.
  void tidy() {
    if (unread_.empty()) {
      std::string free = std::exchange(unread_, {});
      if (free.capacity() > spare.capacity() && free.capacity() <= 1 << 24) spare.swap(free);
    }
    if (answers_.empty() && answers_.capacity() > 1024) answers_.shrink_to_fit();
    const std::size_t before = std::exchange(holds_, unread_.capacity() + answers_.capacity());
    held += holds_ - before;
  }

  static constexpr std::size_t most_held = 1 << 28, little = 1 << 14;  // bytes
  static inline std::size_t held = 0;                                  // by all of them
  static inline std::array<char, 65536> bytes;  // one for all: one of them has its turn at a time
  static inline std::string spare;

  tcp::socket socket_;
  Clock::time_point since_ = Clock::now();
  std::size_t may_come_ = SIZE_MAX, holds_ = 0;  // bytes
  std::string unread_, answers_;
};
