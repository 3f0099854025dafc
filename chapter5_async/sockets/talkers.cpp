// SPDX-License-Identifier: MIT
#include "talkers.hpp"

#include "slow_client.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <sstream>
#include <string_view>
#include <thread>

namespace {

using namespace std::chrono_literals;
constexpr int lines_before = 2;  // of each, before client 0 stops reading

std::ptrdiff_t count_lines(std::string_view text) {
  return std::ranges::count(text, '\n');
}

int count_different_lines(const std::string& text) {
  std::istringstream lines(text);
  std::set<std::string> different;
  for (std::string line; std::getline(lines, line);) different.insert(line);
  return static_cast<int>(different.size());
}

/// All but client 0 say a line each, and then all from `first` on hear what has come.
void say_and_hear(Room& room, std::list<Talker>& talkers, int line,
                  std::list<Talker>::iterator first) {
  int number = 0;
  for (auto talker = std::next(talkers.begin()); talker != talkers.end(); ++talker) {
    const std::string text = fmt::format("client {}: line {}\n", ++number, line);
    error_code ignored;  // it may be cut off
    asio::write(talker->socket, asio::buffer(text), ignored);
  }
  room.loop.poll();  // the server does all that it can do now
  std::list<pdc::Span> bars;
  bool is_heard = false;
  for (auto talker = first; talker != talkers.end(); ++talker) {
    const auto before = count_lines(talker->heard);
    hear(talker->socket, talker->heard);
    const auto lines = count_lines(talker->heard) - before;
    bars.push_back(lines > 0 ? talker->lane.work("hears {} lines", lines)
                             : talker->lane.wait("hears nothing"));
    is_heard = is_heard || lines > 0;
  }
  if (!is_heard && line == lines_before) pdc::fault("all stopped");
  std::this_thread::sleep_for(1ms);  // for the picture alone: plays the time that passes
}

}  // namespace

Heard talk(Room& room, std::list<Talker>& talkers) {
  for (int line = 0; line < lines_before; ++line)
    say_and_hear(room, talkers, line, talkers.begin());

  Talker& silent = talkers.front();
  const auto others = std::next(talkers.begin());
  for (Talker& talker : talkers) talker.heard.clear();
  if (!room.members.empty()) fill(room.members.front().socket);
  Heard heard;
  {
    const auto silence = silent.lane.hold("does not read");
    for (int line = lines_before; line < room.limit; ++line) {
      say_and_hear(room, talkers, line, others);
      heard.said += static_cast<int>(talkers.size()) - 1;
    }
  }
  heard.fewest = heard.said;
  heard.in_one_order = true;
  for (auto talker = others; talker != talkers.end(); ++talker) {
    heard.fewest = std::min(heard.fewest, count_different_lines(talker->heard));
    heard.most = std::max(heard.most, static_cast<int>(count_lines(talker->heard)));
    heard.in_one_order = heard.in_one_order && talker->heard == others->heard;
  }
  heard.is_cut_off = hear(silent.socket, silent.heard);
  heard.left = static_cast<int>(room.members.size());
  heard.longest = room.longest;
  return heard;
}
