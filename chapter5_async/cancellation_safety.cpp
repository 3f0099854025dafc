// Cancellation safety: what an operation has taken before it is cancelled must not end with it.
//
// Concept   An operation that loses against a timer may have taken something already: half a line
//           from a socket, an item from a channel. If it keeps that to itself, it is lost with it,
//           and whoever tries again gets the rest. What was taken belongs outside of the operation,
//           where the next attempt, or the caller, finds it.
// Shows     async_read_until, dynamic_buffer, channel, async_receive, awaitable_operators ||
// Python    asyncio.wait_for, StreamReader.readuntil, asyncio.Queue.get
// Run       cancellation_safety
// You see   "pay 1000 to A" read as "0 to A", and an item lost; then neither
// Next      channel hands items over; line_limits reads lines from clients

// SPDX-License-Identifier: MIT
#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

namespace {

namespace asio = boost::asio;
using namespace asio::experimental::awaitable_operators;
using namespace std::chrono_literals;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;

constexpr std::string_view whole = "pay 1000 to A", half = whole.substr(0, 7);
constexpr int sent_item = 7;

struct Talk {
  asio::io_context loop;
  Socket here{loop}, there{loop};
  asio::experimental::channel<void(error_code)> limit{loop, 0};  // plays a timer
  asio::experimental::channel<void(error_code, int)> items{loop, 1};
  std::string buffer;        // outlives each attempt to read,
  std::optional<int> taken;  // as this does to take
  int attempts = 0;
  std::string line;  // in the end
  std::optional<int> item;
};

struct Result {
  std::string line = {};
  std::size_t lost_bytes = 0;
  std::optional<int> item = {};
};

/// Takes a line out of the buffer; what has come behind it stays there.
std::string cut(std::string& buffer, std::size_t size) {
  const std::string line = buffer.substr(0, size - 1);
  buffer.erase(0, size);
  return line;
}

/// Wrong on purpose: the buffer ends with the operation, and so does what is in it.
asio::awaitable<void> read_inside(Talk& talk) {
  std::string buffer;
  const auto size = co_await asio::async_read_until(talk.here, asio::dynamic_buffer(buffer), '\n',
                                                    asio::use_awaitable);
  talk.line = cut(buffer, size);
}

asio::awaitable<void> read_outside(Talk& talk) {
  const auto size = co_await asio::async_read_until(talk.here, asio::dynamic_buffer(talk.buffer),
                                                    '\n', asio::use_awaitable);
  talk.line = cut(talk.buffer, size);
}

/// Wrong on purpose: what the operation returns is thrown away if the time is up first.
asio::awaitable<void> take_inside(Talk& talk) {
  const auto first = co_await (talk.items.async_receive(asio::use_awaitable) ||
                               talk.limit.async_receive(asio::use_awaitable));
  if (first.index() == 0) talk.item = std::get<0>(first);
}

asio::awaitable<void> keep(Talk& talk) {
  talk.taken = co_await talk.items.async_receive(asio::use_awaitable);
}

asio::awaitable<void> take_outside(Talk& talk) {
  co_await (keep(talk) || talk.limit.async_receive(asio::use_awaitable));
  talk.item = talk.taken;  // whoever was first
}

using Act = asio::awaitable<void>(Talk&);

asio::awaitable<void> receive(Talk& talk, Act* read, Act* take, pdc::Lane lane) {
  while (talk.line.empty()) {
    ++talk.attempts;
    const auto wait = lane.wait("attempt {}", talk.attempts);
    co_await (read(talk) || talk.limit.async_receive(asio::use_awaitable));
  }
  ++talk.attempts;
  co_await take(talk);
}

/// Forced: the time is up when half a line has been read, and again just before an item comes.
asio::awaitable<void> send(Talk& talk, pdc::Lane lane) {
  const auto write = [&](std::string_view text) {
    const auto span = lane.send("{} bytes", text.size());
    std::this_thread::sleep_for(4ms);  // plays a slow network
    asio::write(talk.there, asio::buffer(text));
  };
  write(half);
  while (talk.here.available() > 0) co_await asio::post(asio::use_awaitable);
  pdc::mark("time is up");
  talk.limit.try_send(error_code());
  while (talk.attempts < 2) co_await asio::post(asio::use_awaitable);
  write("0 to A\n");
  while (talk.attempts < 3) co_await asio::post(asio::use_awaitable);
  talk.limit.try_send(error_code());
  talk.items.try_send(error_code(), sent_item);  // in the same turn: nobody is told in between
}

void spend(Result& result, Act* read, Act* take) {
  Talk talk;
  asio::local::connect_pair(talk.here, talk.there);
  asio::co_spawn(talk.loop, receive(talk, read, take, pdc::Lane(pdc::task, "receiver")),
                 pdc::rethrow);
  asio::co_spawn(talk.loop, send(talk, pdc::Lane(pdc::task, "sender")), pdc::rethrow);
  talk.loop.run();
  talk.items.try_receive([&](error_code, int item) { talk.item = item; });  // if it is still there
  result = {talk.line, whole.size() - talk.line.size() - talk.buffer.size(), talk.item};
  if (result.lost_bytes > 0) pdc::fault("bytes lost");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  Result inside, outside;

  program.scene("kept inside", spend, inside, read_inside, take_inside);
  program.scene("kept outside", spend, outside, read_outside, take_outside);

  pdc::check(inside.lost_bytes == half.size(),
             "with the buffer inside the operation, what it has read is lost with it",
             "{} bytes, \"{}\" is read", inside.lost_bytes, inside.line);
  pdc::check(outside.lost_bytes == 0 && outside.line == whole,
             "with the buffer outside, the next attempt goes on with it",
             "{} bytes, \"{}\" is read", outside.lost_bytes, outside.line);
  pdc::check(!inside.item, "an item that an operation takes when the time is up is lost with it");
  pdc::check(outside.item == sent_item, "kept outside, the item is found after the timeout");
  return program.finish();
}
