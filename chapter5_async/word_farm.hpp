// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/timeline.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Processes that map and reduce, one of which is killed, for the page map_reduce.

namespace asio = boost::asio;

/// The text, in pieces.
constexpr std::array<std::string_view, 4> pieces = {
    "she sells sea shells on the sea shore",
    "the shells she sells are sea shells I am sure",
    "for if she sells sea shells on the sea shore",
    "then I am sure she sells sea shore shells",
};

constexpr int all_words = 37;

using Counts = std::map<std::string, int>;

/// The words of one piece that one reducer is sent.
struct Share {
  char piece;
  std::string words;
};

/// Which reducer takes a word.
using Route = std::size_t(std::string_view word, std::size_t piece, std::size_t reducers);

/// Whether a share of that piece counts.
using Rule = bool(std::set<char>& counted, char piece);

struct Job {
  int mappers, reducers;
  Route* route;
  Rule* counts;
};

struct Farm {
  asio::io_context loop;
  asio::experimental::channel<void(boost::system::error_code, char)> to_do{loop, pieces.size()};
  std::size_t dealt_out = 0, done = 0;
};
using Socket = asio::local::stream_protocol::socket;

// In map_reduce.cpp:
std::vector<Share> map_piece(char piece, const Job& job);
Counts reduce_shares(const pdc::Descriptor& socket, Rule* counts, const pdc::Lane& lane);
asio::awaitable<void> deal_out(Farm& farm, Socket mapper);

/// The next share; nothing if there will be none.
std::optional<Share> receive(const pdc::Descriptor& socket, const pdc::Lane& lane);

struct Result {
  Counts counts;          // of all reducers, added up
  std::size_t lines = 0;  // in all their results
  int words = 0;
  std::size_t dealt_out = 0;  // pieces
  pdc::Exit first;            // how the first mapper ended
};

/// The first mapper is killed with its first piece in hand, when it has sent one share of it.
Result count_words(const Job& job);
