// Chat: every line of a client goes to all clients, and one that does not read stops nobody.
//
// Concept   A server that passes a line on, and waits until each client has taken it, goes at the
//           pace of the slowest: one that reads nothing stops all. With a queue for each client,
//           only the coroutine that empties that queue waits. The queue needs a limit: what a client
//           does not read is kept in memory. The client for whose queue a line is too many is cut
//           off. A line goes into all queues at once, so all clients see the same order.
// Shows     experimental::channel, try_send, async_receive, async_write, awaitable_operators ||
// Python    asyncio.Queue(maxsize), put_nowait, QueueFull
// Run       chat --clients 3 --limit 8
// You see   a client that reads nothing: all wait for it; then it is cut off, and all others go on
// Next      publish_subscribe keeps the newest value for a slow client, and not all lines

// SPDX-License-Identifier: MIT
#include "talkers.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <utility>

namespace {

using namespace asio::experimental::awaitable_operators;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);
constexpr std::size_t longest_line = 1 << 10;  // bytes

using Tell = asio::awaitable<void>(Room&, std::string line);

asio::awaitable<void> read_lines(Room& room, Member& member, Tell* tell_all) {
  std::string unread;
  for (;;) {
    const auto [end, size] = co_await asio::async_read_until(
        member.socket, asio::dynamic_buffer(unread, longest_line), '\n', with_error);
    if (end) co_return;  // it has left, or is cut off
    co_await tell_all(room, unread.substr(0, size));
    unread.erase(0, size);
  }
}

asio::awaitable<void> write_lines(Member& member) {
  for (;;) {
    const std::string line = co_await member.queue.async_receive(asio::use_awaitable);
    --member.waiting;
    const auto [gone, sent] =
        co_await asio::async_write(member.socket, asio::buffer(line), with_error);
    if (gone) co_return;
  }
}

/// Wrong on purpose: no client is told before the one in front of it has taken the line.
asio::awaitable<void> tell_in_turn(Room& room, std::string line) {
  co_await room.turn.async_send(error_code(), asio::use_awaitable);  // or two lines would mix
  for (Member& member : room.members)
    co_await asio::async_write(member.socket, asio::buffer(line), with_error);
  room.turn.try_receive([](error_code) {});
}

/// Waits for nobody, so no other line comes in between: all queues have the same order.
asio::awaitable<void> put_into_queues(Room& room, std::string line) {
  for (Member& member : room.members) {
    if (member.queue.try_send(error_code(), line)) {
      room.longest = std::max(room.longest, ++member.waiting);
    } else if (member.socket.is_open()) {  // it leaves the room when its coroutines have ended
      pdc::mark("cut off");
      member.socket.close();  // ends its reading and its writing
    }
  }
  co_return;
}

asio::awaitable<void> serve(Room& room, std::list<Member>::iterator member, Tell* tell_all) {
  co_await (read_lines(room, *member, tell_all) || write_lines(*member));  // one ends, both end
  room.members.erase(member);
}

Heard spend(int clients, int limit, Tell* tell_all) {
  Room room(limit);
  std::list<Talker> talkers;
  for (int i = 0; i <= clients; ++i) {
    Socket here(room.loop), there(room.loop);
    asio::local::connect_pair(here, there);
    talkers.push_back({std::move(there), pdc::Lane("client {}", i)});
    Queue queue(room.loop, static_cast<std::size_t>(room.limit));
    const auto member =
        room.members.insert(room.members.end(), {std::move(here), std::move(queue)});
    asio::co_spawn(room.loop, serve(room, member, tell_all), pdc::rethrow);
  }
  return talk(room, talkers);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"clients", 3, "clients besides the one that does not read", {2, 8}},
                        {"limit", 8, "lines that may wait for a client", {8, 64}}});
  const int clients = program.integer("clients"), limit = program.integer("limit");

  const Heard without = program.scene("awaited in turn", spend, clients, limit, tell_in_turn);
  const Heard with = program.scene("a queue for each", spend, clients, limit, put_into_queues);

  pdc::check(without.most == 0,
             "awaited in turn, one client that does not read keeps all lines from the others",
             "{} of {} lines heard", without.most, without.said);
  pdc::check(with.fewest == with.said,
             "with a queue for each client, each of the others hears all lines", "{} of {}",
             with.fewest, with.said);
  pdc::check(with.in_one_order, "all others hear the lines in one and the same order", "{} lists",
             clients);
  pdc::check(with.longest == limit, "a queue gets full, and never holds more than its limit",
             "{} lines", with.longest);
  pdc::check(with.is_cut_off && with.left == clients,
             "the client whose queue is full is cut off, and no other", "{} are left", with.left);
  return program.finish();
}
