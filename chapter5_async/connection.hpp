#pragma once

#include "sums.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace asio = boost::asio;
using asio::ip::tcp;
using Clock = std::chrono::steady_clock;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// One client of socket_server.cpp: takes lines, and sends an answer to each. As long as it says
/// nothing it has no buffer. Thread safety: none, all of them share the loop's thread.
class Connection {
 public:
  explicit Connection(tcp::socket accepted) : socket_(std::move(accepted)) {
    error_code ignored;  // the client may be gone already
    socket_.non_blocking(true, ignored);
    socket_.set_option(tcp::no_delay(true), ignored);
  }

  Clock::time_point since() const noexcept { return since_; }       // the last sign of life
  bool is_answering() const noexcept { return !answers_.empty(); }  // waits till they are read

  /// One request after the other, until the client has said all, is gone, or is cut.
  asio::awaitable<void> talk(std::size_t longest_line) {
    bool here = true;
    while (here && co_await receive()) {
      std::optional<std::string_view> line;
      while (here && (line = next_line()) && line->size() <= longest_line) {
        answer(*line, answers_);
        if (answers_.size() > bytes.size()) here = co_await send();  // before there are too many
      }
      const bool too_long = unread_.size() > longest_line;
      if (too_long) answers_ += "{\"error\":\"the line is too long\"}\n";
      here = here && co_await send() && !too_long;
      if (too_long) co_await hang_up();
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
  asio::awaitable<bool> receive() {
    co_await socket_.async_wait(tcp::socket::wait_read, with_error);
    if (may_come_ == 0) co_return false;
    error_code error;
    const std::size_t most = std::min(bytes.size(), may_come_);
    const std::size_t count = socket_.read_some(asio::buffer(bytes, most), error);
    unread_.append(bytes.data(), count);
    since_ = Clock::now();
    if (may_come_ != SIZE_MAX) may_come_ -= count;
    co_return !error || error == asio::error::would_block;
  }

  /// The next line that has come whole, good until the next call.
  std::optional<std::string_view> next_line() {
    const std::size_t end = unread_.find('\n', std::max(begin_, looked_));
    if (end != unread_.npos) {
      const std::size_t first = std::exchange(begin_, end + 1);
      return std::string_view(unread_).substr(first, end - first);
    }
    unread_.erase(0, std::exchange(begin_, 0));
    looked_ = unread_.size();
    if (unread_.empty()) clear(unread_);
    return std::nullopt;
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
    clear(answers_);
    co_return !error;
  }

  /// Lets the client read the last answer: to close now, with bytes unread, would be a reset.
  asio::awaitable<void> hang_up() {
    error_code error;
    socket_.shutdown(tcp::socket::shutdown_send, error);
    while (!error || error == asio::error::would_block) {
      co_await socket_.async_wait(tcp::socket::wait_read, with_error);
      socket_.read_some(asio::buffer(bytes), error);  // no sign of life: it has to end in time
    }
  }

  /// Gives back what a large line has needed.
  static void clear(std::string& buffer) {
    buffer.clear();
    if (buffer.capacity() > 1024) buffer.shrink_to_fit();
  }

  static inline std::array<char, 65536> bytes;  // one for all: one of them has its turn at a time

  tcp::socket socket_;
  Clock::time_point since_ = Clock::now();
  std::size_t may_come_ = SIZE_MAX;  // bytes
  std::string unread_, answers_;
  std::size_t begin_ = 0, looked_ = 0;  // of unread: the next line, and what holds no end of it
};
