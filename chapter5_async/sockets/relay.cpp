// SPDX-License-Identifier: MIT
#include "relay.hpp"

#include "pdc/coroutine.hpp"

#include <array>
#include <random>
#include <string>

namespace {

constexpr auto delay = 10ms;

/// The same for the same answer, in whatever order they come.
Fate choose(Relay& relay, int member) {
  const int attempt = relay.attempts[member]++;
  if (attempt == 0) return Fate(member % fates);
  std::seed_seq seed{relay.seed, member, attempt};
  std::mt19937 random(seed);
  return random() % 100 < static_cast<unsigned>(relay.drop) ? lost : good;
}

asio::awaitable<void> deliver(Relay& relay, std::string text, bool is_late, pdc::Lane lane) {
  if (is_late) {
    Timer timer(relay.loop, delay);
    co_await timer.async_wait(asio::use_awaitable);
  }
  const auto work = lane.work("passes on {}", text);
  co_await relay.outer.async_send_to(asio::buffer(text), relay.inner.local_endpoint(),
                                     asio::use_awaitable);
}

}  // namespace

asio::awaitable<void> pass_on(Relay& relay) {
  const pdc::Lane lane(pdc::task, "relay");
  std::array<char, 64> bytes;
  udp::endpoint from;
  while (true) {
    const auto size =
        co_await relay.outer.async_receive_from(asio::buffer(bytes), from, asio::use_awaitable);
    const std::string text(bytes.data(), size);
    const Fate fate = choose(relay, std::stoi(text));
    const auto pass = [&] {
      asio::co_spawn(relay.loop, deliver(relay, text, fate == late, lane), pdc::rethrow);
    };
    if (fate == lost) {
      pdc::mark("lost");
    } else {
      pass();
    }
    if (fate == doubled) pass();
  }
}
