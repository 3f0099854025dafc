// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <vector>

/// The broker of publish_subscribe, and its clients. They are played in a source file of their own:
/// a publisher, and subscribers of which one is quick, one slow, and one comes late.

namespace asio = boost::asio;
using boost::system::error_code;
using Socket = asio::local::stream_protocol::socket;  // delivers at once
using Signal = asio::experimental::channel<void(error_code)>;

/// A client, as the broker sees it.
struct Client {
  explicit Client(asio::io_context& loop) : socket(loop), news(loop, 1) {}

  Socket socket;
  Signal news;  // has one place: there is something to send, or not
  /// Its topics, and which version of each it was sent last.
  std::map<std::string, std::int64_t> seen = {};
  std::deque<std::string> queue = {};  // without: all that it has still to be sent
};

struct Value {
  std::string text = {};
  std::int64_t version = 0;  // none yet
};

struct Broker {
  asio::io_context loop = {};
  std::list<Client> clients = {};
  std::map<std::string, Value> values = {};  // the last one of each topic
  int longest = 0;                           // of all queues so far
};

/// A client, as it sees itself.
struct Guest {
  Socket socket;
  pdc::Lane lane;
  std::string heard = {};
};

struct Heard {
  std::string quick;  // all day
  std::string late;   // when it has subscribed, before anything else is published
  std::string slow;   // when it reads again
  int longest = 0;    // of the queues
};

/// "temperature 1", ..., one line each.
std::string temperatures(int first, int last);

/// The guests are, in this order, the publisher, and the quick, the slow and the late subscriber. The
/// door is opened once; the temperature has many values. When the slow one has heard the first, it stops
/// reading until all have been published. The late one comes in the middle.
Heard spend_day(Broker& broker, std::vector<Guest>& guests, int values);
