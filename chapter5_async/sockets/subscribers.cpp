// SPDX-License-Identifier: MIT
#include "subscribers.hpp"

#include "slow_client.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <list>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>

namespace {

using namespace std::chrono_literals;

/// The broker does all that it can do; then the client hears what has come.
std::string listen(Broker& broker, Guest& guest) {
  broker.loop.poll();
  const std::size_t before = guest.heard.size();
  hear(guest.socket, guest.heard);
  return guest.heard.substr(before);
}

void say(Guest& guest, std::string_view line) {
  error_code ignored;  // as a client that has left
  asio::write(guest.socket, asio::buffer(line), ignored);
}

pdc::Span draw(const Guest& guest, const std::string& heard) {
  if (heard.empty()) return guest.lane.wait("nothing");
  std::istringstream words(heard);
  std::string topic, text, all;
  while (words >> topic >> text) all += ' ' + text;
  return guest.lane.work("hears{}", all);
}

void pass(std::chrono::milliseconds time = 1ms) {
  std::this_thread::sleep_for(time);  // for the picture alone: plays the time that passes
}

/// The slow client reads until nothing comes any more.
void catch_up(Broker& broker, Guest& slow) {
  hear(slow.socket, slow.heard);
  slow.heard.clear();  // what else it was told
  while (!listen(broker, slow).empty()) {
  }
  const auto bar = slow.lane.work("hears {} values", std::ranges::count(slow.heard, '\n'));
  pass(3ms);
}

}  // namespace

std::string temperatures(int first, int last) {
  std::string lines;
  for (int value = first; value <= last; ++value) lines += fmt::format("temperature {}\n", value);
  return lines;
}

Heard spend_day(Broker& broker, std::vector<Guest>& guests, int values) {
  Guest &publisher = guests[0], &quick = guests[1], &slow = guests[2], &late = guests[3];
  Heard heard;
  std::optional<pdc::Span> silence;  // of the slow client
  for (Guest* guest : {&quick, &slow}) {
    say(*guest, "subscribe temperature\n");
    listen(broker, *guest);
  }
  say(publisher, "publish door open\n");
  for (int value = 1; value <= values; ++value) {
    std::list<pdc::Span> bars;
    say(publisher, "publish " + temperatures(value, value));
    bars.push_back(publisher.lane.work("says {}", value));
    bars.push_back(draw(quick, listen(broker, quick)));
    if (value == 1) {
      bars.push_back(draw(slow, listen(broker, slow)));
      fill(std::next(broker.clients.begin(), 2)->socket);
    }
    if (value == values / 2) {
      say(late, "subscribe door\nsubscribe temperature\n");
      heard.late = listen(broker, late);
      bars.push_back(draw(late, heard.late));
      if (heard.late.empty()) pdc::fault("missed");
    } else if (value > values / 2) {
      bars.push_back(draw(late, listen(broker, late)));
    }
    pass();
    bars.clear();
    if (value == 1) silence.emplace(slow.lane.hold("does not read"));
  }
  silence.reset();
  catch_up(broker, slow);
  heard.slow = slow.heard;
  heard.quick = quick.heard;
  heard.longest = broker.longest;
  return heard;
}
