// SPDX-License-Identifier: MIT
#include "ring.hpp"

#include "pdc/process.hpp"
#include "pdc/stage.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int last = Ring::slots + 1;  // needs the first slot again
using Numbers = std::array<int, last>;

enum Slow { slow_sender, slow_receiver };

/// What comes of 1, 2, ... when the slow side has its first slot, and copies only when the other
/// side has copied as well, or is kept out.
Numbers pass_numbers(Slow slow) {
  const pdc::Shared<Ring> ring;
  const pdc::Shared<pdc::Meeting> copying(2);
  const pdc::Shared<Numbers> came;
  const pdc::Lane from("sender"), to("receiver");
  const auto send = [&] {
    for (int number = 1; number <= last; ++number) {
      auto wait = copying->wait_outside(from, "free slot");
      ring->put([&](char* slot) {
        wait.end();
        if (slow == slow_sender && number == 1) copying->meet();
        *slot = static_cast<char>(number);
        if (slow == slow_receiver && number == last) copying->meet();
      });
    }
  };
  const auto receive = [&] {
    for (int number = 1; number <= last; ++number) {
      auto wait = copying->wait_outside(to, "full slot");
      ring->get([&](const char* slot) {
        wait.end();
        if (slow == slow_receiver && number == 1) copying->meet();
        (*came)[static_cast<std::size_t>(number - 1)] = *slot;
        if (slow == slow_sender && number == 1) copying->meet();
      });
    }
  };
  std::vector<pdc::Child> sides;
  sides.emplace_back(send);
  sides.emplace_back(receive);
  for (pdc::Child& side : sides) EXPECT_TRUE(side.wait().good());
  return *came;
}

Numbers all_in_order() {
  Numbers numbers;
  std::iota(numbers.begin(), numbers.end(), 1);
  return numbers;
}

TEST(RingTest, ShowsASlotOnlyWhenTheSenderHasCopied) {
  EXPECT_EQ(pass_numbers(slow_sender), all_in_order());
}

std::atomic<int>* signals = nullptr;  // that have come

TEST(RingTest, WaitsOnWhenASignalHandlerHasRun) {
  const pdc::Shared<Ring> ring;
  const pdc::Shared<pdc::Meeting> asleep(2);
  const pdc::Shared<std::atomic<int>> handled(0), came(0);
  signals = &*handled;
  pdc::Child receiver([&, lane = pdc::Lane("receiver")] {
    struct sigaction count = {};
    count.sa_handler = [](int) { ++*signals; };
    sigaction(SIGUSR1, &count, nullptr);
    auto wait = asleep->wait_outside(lane, "full slot");
    ring->get([&](const char* slot) {
      wait.end();
      *came = *slot;
    });
  });
  asleep->meet();  // the receiver sleeps in get()
  kill(receiver.pid(), SIGUSR1);
  while (*handled == 0) std::this_thread::yield();
  ring->put([](char* slot) { *slot = 7; });
  EXPECT_EQ(receiver.wait().text(), "status 0");
  EXPECT_EQ(*came, 7);
}

TEST(RingTest, FreesASlotOnlyWhenTheReceiverHasCopied) {
  EXPECT_EQ(pass_numbers(slow_receiver), all_in_order());
}

}  // namespace
