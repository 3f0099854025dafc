// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <cstddef>
#include <list>
#include <string>

/// The room of chat, and the clients that talk in it. They are played in a source file of their own:
/// client 0 says nothing, and stops reading when each of the others has said two lines.

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;  // delivers at once
using Queue = asio::experimental::channel<void(error_code, std::string)>;

/// A client, as the server sees it.
struct Member {
  Socket socket;
  Queue queue;      // lines that it has still to be told
  int waiting = 0;  // how many: a channel does not say
};

struct Room {
  const int limit;  // of each queue
  asio::io_context loop = {};
  std::list<Member> members = {};
  asio::experimental::channel<void(error_code)> turn{loop, 1};  // a mutex
  int longest = 0;                                              // of all queues so far
};

/// A client, as it sees itself.
struct Talker {
  Socket socket;
  pdc::Lane lane;
  std::string heard = {};
};

/// What client 0 does to the others, from the moment it stops reading.
struct Heard {
  int said = 0;              // lines
  int fewest = 0, most = 0;  // of them, heard by one of the others
  bool in_one_order = false;
  bool is_cut_off = false;  // client 0
  int left = 0;             // in the room, at the end
  int longest = 0;          // of the queues, in lines
};

/// All but client 0 say as many lines as the limit allows to wait, and the next one only when all could
/// hear the last.
Heard talk(Room& room, std::list<Talker>& talkers);
