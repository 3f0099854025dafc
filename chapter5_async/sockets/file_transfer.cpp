// File transfer: after a cut only the rest is sent, and a digest says whether all is there.
//
// Concept   The end of a connection is not the end of a file: it may have been cut. So the sender
//           says first how long the file is, and what its digest is. After a cut the receiver asks
//           for the rest, from the byte that it has reached, and in the end it compares digests.
//           Files are read and written on a pool, since a disk would keep the event loop waiting.
// Shows     async_read, async_read_some, async_write, redirect_error, big_uint64_t
// Python    urllib.request with a Range header, hashlib.file_digest, asyncio.to_thread
// Run       file_transfer --cut 40000
// You see   a part of a file taken for all of it; that part sent twice; then each byte once
// Next      backoff is how long to wait before it goes on; journal writes what survives a kill

// SPDX-License-Identifier: MIT
#include "stored_file.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/endian/arithmetic.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::use_awaitable;
using boost::endian::big_uint64_t;                    // the same bytes on every machine
using Socket = asio::local::stream_protocol::socket;  // elsewhere asio::ip::tcp::socket

constexpr int size = 1 << 16;  // bytes of the file

struct Head {  // what is sent first
  big_uint64_t size = 0;
  Digest digest = {};
};

struct Day {
  const std::uint64_t cut;
  asio::io_context loop = {};
  pdc::Lane receiver{pdc::task, "receiver"};
  StoredFile target{pdc::Lane("its file")};
  pdc::Lane sender{pdc::task, "sender"};
  StoredFile source{pdc::Lane("the sender's file")};
  int connections = 0;
  std::uint64_t sent = 0;  // bytes, on all connections
  Head head = {};          // as the sender has said it
  Digest received = {};    // of the target
};

asio::awaitable<void> serve(Day& day, Socket receiver) {
  big_uint64_t offset;
  co_await asio::async_read(receiver, asio::buffer(&offset, sizeof offset), use_awaitable);
  const Head head{day.source.size(), co_await day.source.digest()};
  co_await asio::async_write(receiver, asio::buffer(&head, sizeof head), use_awaitable);
  const auto bar = day.sender.send("from {}", std::uint64_t{offset});
  // Forced: the first connection is cut in the middle of the file.
  const std::uint64_t end = day.connections == 1 ? day.cut : std::uint64_t{head.size};
  while (offset < end) {
    std::string bytes = co_await day.source.read(offset);
    if (bytes.empty()) co_return;  // somebody has made the file shorter
    bytes.resize(std::min(bytes.size(), end - offset));
    co_await asio::async_write(receiver, asio::buffer(bytes), use_awaitable);
    offset += bytes.size();
    day.sent += bytes.size();
  }
}

/// Stores what comes on one connection, from this offset of the file on.
asio::awaitable<void> receive(Day& day, std::uint64_t from) {
  Socket sender(day.loop), receiver(day.loop);
  asio::local::connect_pair(sender, receiver);  // plays async_connect, and async_accept there
  ++day.connections;
  asio::co_spawn(day.loop, serve(day, std::move(receiver)), pdc::rethrow);
  const big_uint64_t offset = from;
  co_await asio::async_write(sender, asio::buffer(&offset, sizeof offset), use_awaitable);
  Head& head = day.head;
  co_await asio::async_read(sender, asio::buffer(&head, sizeof head), use_awaitable);
  const auto bar = day.receiver.receive("from {}", from);
  boost::system::error_code error;
  while (from < head.size && !error) {
    std::string bytes(std::min(StoredFile::chunk, head.size - from), '\0');
    bytes.resize(co_await sender.async_read_some(asio::buffer(bytes),
                                                 asio::redirect_error(use_awaitable, error)));
    co_await day.target.write(bytes, from);
    from += bytes.size();
  }
  if (error) pdc::mark("cut");
}

/// Wrong on purpose: the end of the connection is taken for the end of the file.
asio::awaitable<void> fetch_what_comes(Day& day) {
  co_await receive(day, 0);
}

/// Wrong on purpose: what has come before the cut is thrown away.
asio::awaitable<void> fetch_again(Day& day) {
  co_await receive(day, 0);
  while (day.target.size() < day.head.size) co_await receive(day, 0);
}

asio::awaitable<void> fetch_rest(Day& day) {
  co_await receive(day, 0);
  while (day.target.size() < day.head.size) co_await receive(day, day.target.size());
}
using Fetch = decltype(fetch_rest);

asio::awaitable<void> transfer(Day& day, Fetch* fetch, const std::string& content) {
  co_await day.source.write(content, 0);
  co_await fetch(day);
  day.received = co_await day.target.digest();
  if (day.received != day.head.digest) pdc::fault("a part only");
  if (day.sent > day.head.size) pdc::fault("sent again");
}

void spend(Day& day, Fetch* fetch, const std::string& content) {
  asio::co_spawn(day.loop, transfer(day, fetch, content), pdc::rethrow);
  day.loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"cut", 40'000, "bytes before the cut", {1, size - 1}}});
  const auto cut = static_cast<std::uint64_t>(program.integer("cut"));
  const std::string content = make_content(size);
  Day part{cut}, again{cut}, rest{cut};

  program.scene("until the connection ends", spend, part, fetch_what_comes, content);
  program.scene("again from the beginning", spend, again, fetch_again, content);
  program.scene("on from where it was cut", spend, rest, fetch_rest, content);

  const int blocked = rest.source.blocked() + rest.target.blocked();
  pdc::check(part.target.size() == cut && part.received != part.head.digest,
             "if the connection's end is taken for that of the file, a part is taken for all of it",
             "{} of {} bytes", part.target.size(), size);
  pdc::check(again.received == digest_of(content) && again.sent == cut + size,
             "begun again, the transfer sends once more what has come before the cut",
             "{} bytes sent", again.sent);
  pdc::check(rest.connections == 2 && rest.sent == size,
             "continued at the cut, the transfer sends each byte once", "{} bytes sent", rest.sent);
  pdc::check(rest.received == digest_of(content) && rest.head.digest == rest.received,
             "the file that has come in two parts has the digest of the file that was sent");
  pdc::check(blocked == 0, "the loop's thread neither reads nor writes a file", "{} of {} times",
             blocked, rest.source.uses() + rest.target.uses());
  return program.finish();
}
