// SPDX-License-Identifier: MIT
#pragma once

#include "../played_clock.hpp"

#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <vector>

/// The network of udp_discovery. Answers come to a relay, which loses them, doubles them, or passes
/// them on so late that whoever repeats his has done so already.

namespace asio = boost::asio;
using namespace std::chrono_literals;
using asio::ip::udp;
using Timer =
    asio::basic_waitable_timer<PlayedClock>;  // asio::steady_timer has the machine's clock

const auto loopback = asio::ip::address_v4::loopback();
const udp::endpoint any_port{loopback, 0};  // of the kernel's choice
/// 239.255 and two bytes: a group for use within one site, and of this run alone.
const asio::ip::address_v4 group(0xEFFF0000 + static_cast<unsigned>(getpid()) % 0x10000);

/// Of the group.
struct Member {
  udp::socket socket;
  int number;
  pdc::Lane lane{pdc::task, "member {}", number};
  udp::endpoint seeker = {};
};

/// What becomes of the first answer of each member. All later ones are lost by chance, or arrive.
enum Fate { late, lost, doubled, good };
constexpr int fates = 4;

struct Relay {
  Relay(int drop_percent, int of_chance) : drop(drop_percent), seed(of_chance) {}

  asio::io_context loop;
  const int drop, seed;
  udp::socket outer{loop, any_port};  // what is sent from here is answered to here
  udp::socket inner{loop, any_port};  // what the relay passes on comes in here
  std::map<int, int> attempts;        // of each member
};

/// Passes answers on as long as the loop runs. Requires: an answer begins with its member's number.
asio::awaitable<void> pass_on(Relay& relay);

using Numbers = std::vector<int>;  // of members

/// How often the number is there.
inline auto times(const Numbers& counted, int number) {
  return std::ranges::count(counted, number);
}

/// The reading of member n is 2 to the power of n: if one is missing or double, the sum is wrong.
inline std::int64_t sum_readings(const Numbers& members) {
  std::int64_t sum = 0;
  for (const int member : members) sum += std::int64_t{1} << member;
  return sum;
}
