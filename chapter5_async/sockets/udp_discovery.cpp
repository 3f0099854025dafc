// UDP discovery: a question to a group finds who is there, and no answer is lost or counts twice.
//
// Concept   A datagram can go to a group: whoever has joined it gets it, and can answer. But a
//           datagram may be lost, come twice, or be overtaken. So an answer has a number, and is
//           repeated until that is acknowledged; who gets it counts each number once.
// Shows     udp::socket, multicast::join_group, multicast::outbound_interface, multicast::hops,
//           async_receive_from, async_send_to, awaitable_operators ||
// Python    loop.create_datagram_endpoint, socket.IP_ADD_MEMBERSHIP
// Run       udp_discovery --members 4 --drop 20 --seed 4
// You see   a sum of answers that is wrong, since one is missing and one came twice; the right sum
// Next      backoff is how to repeat when many do

// SPDX-License-Identifier: MIT
#include "relay.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <utility>

namespace {

namespace multicast = asio::ip::multicast;
using namespace asio::experimental::awaitable_operators;
constexpr auto use = asio::use_awaitable;
constexpr auto patience = 4ms, silence = 64ms;  // of a member, and of who asks

/// Joins the group on that port, or, if it is 0, on one that nobody uses.
udp::socket join(asio::io_context& loop, asio::ip::port_type port) {
  udp::socket socket(loop, udp::v4());
  if (port != 0) socket.set_option(udp::socket::reuse_address(true));
  socket.bind({group, port});
  socket.set_option(udp::socket::reuse_address(true));  // other members may bind it, too
  socket.set_option(multicast::join_group(group, loopback));
  return socket;
}

asio::awaitable<std::string> receive(udp::socket& socket, udp::endpoint& from) {
  std::array<char, 64> bytes;  // what is longer is cut off
  const auto size = co_await socket.async_receive_from(asio::buffer(bytes), from, use);
  co_return std::string(bytes.data(), size);
}

/// Wrong on purpose, alone: as if each datagram arrived.
asio::awaitable<void> answer(Member& member) {
  const std::string text = std::to_string(member.number);
  const auto send = member.lane.send("{}", text);
  co_await member.socket.async_send_to(asio::buffer(text), member.seeker, use);
}

asio::awaitable<void> await_acknowledgement(Member& member) {
  udp::endpoint from;
  while (co_await receive(member.socket, from) != std::to_string(member.number)) continue;
}

asio::awaitable<void> answer_until_acknowledged(Member& member) {
  Timer limit(member.socket.get_executor());
  for (bool is_acknowledged = false; !is_acknowledged;) {
    limit.expires_after(patience);
    co_await answer(member);
    const auto first = co_await (await_acknowledgement(member) || limit.async_wait(use));
    is_acknowledged = first.index() == 0;
  }
}

/// Wrong on purpose: as if each datagram came once.
void count_each(Numbers& counted, int number) {
  if (times(counted, number) > 0) pdc::fault("counts twice");
  counted.push_back(number);
}

void count_first(Numbers& counted, int number) {
  if (times(counted, number) == 0) counted.push_back(number);
}

asio::awaitable<void> take_part(Member member, decltype(answer)* reply) {
  co_await receive(member.socket, member.seeker);  // its question
  co_await reply(member);
}

asio::awaitable<void> seek(Relay& relay, udp::endpoint all, decltype(count_each)* count,
                           Numbers& counted) {
  const pdc::Lane lane(pdc::task, "seeker");
  relay.outer.set_option(multicast::outbound_interface(loopback));
  relay.outer.set_option(multicast::hops(0));  // not beyond this machine
  co_await relay.outer.async_send_to(asio::buffer("who is there?", 13), all, use);
  Timer limit(relay.loop);
  udp::endpoint from;
  while (true) {
    limit.expires_after(silence);  // it does not know how many there are
    const auto first = co_await (receive(relay.inner, from) || limit.async_wait(use));
    if (first.index() == 1) break;
    const std::string text = std::get<0>(first);
    const auto receive = lane.receive("{}", text);
    count(counted, std::stoi(text));
    co_await relay.outer.async_send_to(asio::buffer(text), all, use);  // the acknowledgement
  }
  relay.loop.stop();
}

Numbers find(const pdc::Program& program, decltype(answer)* reply, decltype(count_each)* count) {
  Relay relay(program.integer("drop"), program.integer("seed"));
  asio::ip::port_type port = 0;
  for (int i = 0; i < program.integer("members"); ++i) {
    Member member{join(relay.loop, port), i};
    port = member.socket.local_endpoint().port();
    asio::co_spawn(relay.loop, take_part(std::move(member), reply), pdc::rethrow);
  }
  Numbers counted;
  asio::co_spawn(relay.loop, pass_on(relay), pdc::rethrow);
  asio::co_spawn(relay.loop, seek(relay, {group, port}, count, counted), pdc::rethrow);
  PlayedClock::run(relay.loop);
  return counted;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"members", 4, "of the group", {4, 32}},
                        {"drop", 20, "percent of repeated answers that are lost", {0, 40}},
                        {"seed", 4, "of what is lost", {0, 999}}});
  const int members = program.integer("members");
  const std::int64_t all = (std::int64_t{1} << members) - 1;

  const Numbers once = program.scene("answered once", find, program, answer, count_each);
  const Numbers repeated = program.scene("until acknowledged, and each number counts once", find,
                                         program, answer_until_acknowledged, count_first);

  pdc::check(times(once, 1) == 0 && times(once, 2) == 2 && sum_readings(once) != all,
             "answered once, an answer is missing, one counts twice, and the sum is wrong",
             "{}, not {}", sum_readings(once), all);
  const std::set<int> found(repeated.begin(), repeated.end());
  pdc::check(std::ssize(found) == members, "a question to the group finds each member", "{} of {}",
             found.size(), members);
  pdc::check(sum_readings(repeated) == all,
             "repeated until acknowledged, and counted once, the answers have the right sum", "{}",
             sum_readings(repeated));
  return program.finish();
}
