// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"

#include <gtest/gtest.h>

#include <barrier>
#include <chrono>
#include <future>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "picture/arena.hpp"
#include "picture/picture.hpp"
#include "picture/recording.hpp"

namespace {

using Names = std::vector<std::string>;
using pdc::LockOrder;
using Mutex = pdc::Watched<std::mutex>;

struct Locks {
  LockOrder order;
  Mutex a{order, "a"}, b{order, "b"}, c{order, "c"};
};

/// One after the other, so there is no deadlock; the graph knows that there could be.
template <class... Bodies>
void run_in_turn(Bodies... bodies) {
  (std::jthread(bodies).join(), ...);
}

TEST(LockOrder, NothingHeldNothingWanted) {
  Locks locks;
  EXPECT_TRUE(locks.order.cycle().empty());
  EXPECT_EQ(locks.order.pairs(), 0);
  EXPECT_TRUE(locks.order.deadlock().cycle().empty());
}

TEST(LockOrder, ALockKnowsWhetherThisThreadHoldsIt) {
  Locks locks;
  EXPECT_FALSE(locks.a.is_mine());
  {
    const std::scoped_lock lock(locks.a);
    EXPECT_TRUE(locks.a.is_mine());
    EXPECT_FALSE(locks.b.is_mine());
    run_in_turn([&] { EXPECT_FALSE(locks.a.is_mine()); });
    const std::scoped_lock again(locks.a);  // would wait for itself, so it returns without it
    EXPECT_TRUE(locks.a.is_mine());
  }
  EXPECT_FALSE(locks.a.is_mine());
}

TEST(LockOrder, OneLockAfterTheOtherMakesNoPair) {
  Locks locks;
  { const std::scoped_lock lock(locks.a); }
  { const std::scoped_lock lock(locks.b); }
  EXPECT_EQ(locks.order.pairs(), 0);
}

TEST(LockOrder, OneOrderHasNoCycle) {
  Locks locks;
  const auto in_order = [&] {
    const std::scoped_lock one(locks.a);
    const std::scoped_lock other(locks.b);
    const std::scoped_lock last(locks.c);
  };
  run_in_turn(in_order, in_order);
  EXPECT_TRUE(locks.order.cycle().empty());
  EXPECT_EQ(locks.order.pairs(), 3);  // a then b, a then c, b then c
}

TEST(LockOrder, ACircleIsFoundWithoutADeadlock) {
  Locks locks;
  run_in_turn(
      [&] {
        const std::scoped_lock one(locks.a);
        const std::scoped_lock other(locks.b);
      },
      [&] {
        const std::scoped_lock one(locks.b);
        const std::scoped_lock other(locks.c);
      },
      [&] {
        const std::scoped_lock one(locks.c);
        const std::scoped_lock other(locks.a);
      });
  EXPECT_EQ(locks.order.cycle(), (Names{"a", "b", "c"}));
  EXPECT_TRUE(locks.order.deadlock().cycle().empty());
}

TEST(LockOrder, LocksTakenTogetherMakeNoPair) {
  Locks locks;
  run_in_turn([&] { const std::scoped_lock both(locks.a, locks.b); },
              [&] { const std::scoped_lock both(locks.b, locks.a); });
  EXPECT_EQ(locks.order.pairs(), 0);
}

/// Also when one of them is taken, and std::lock has to wait for it.
TEST(LockOrder, LocksTakenTogetherUnderPressureMakeNoPair) {
  Locks locks;
  std::barrier together(2);
  const auto take = [&](Mutex& one, Mutex& other) {
    for (int i = 0; i < 200; ++i) {
      together.arrive_and_wait();
      const std::scoped_lock both(one, other);
      std::this_thread::yield();
    }
  };
  {
    const std::jthread first([&] { take(locks.a, locks.b); });
    const std::jthread second([&] { take(locks.b, locks.a); });
  }
  EXPECT_EQ(locks.order.pairs(), 0);
  EXPECT_TRUE(locks.order.deadlock().cycle().empty());
}

TEST(LockOrder, LocksTakenTogetherWhileOneIsHeldMakeOne) {
  Locks locks;
  const std::scoped_lock held(locks.c);
  const std::scoped_lock both(locks.a, locks.b);
  EXPECT_EQ(locks.order.pairs(), 1);
}

TEST(LockOrder, ToTryMakesNoPair) {
  Locks locks;
  const std::scoped_lock held(locks.a);
  std::jthread([&] {
    const std::scoped_lock first(locks.b);
    const std::unique_lock second(locks.a, std::try_to_lock);
    EXPECT_FALSE(second);
  }).join();
  const std::unique_lock free(locks.b, std::try_to_lock);
  EXPECT_TRUE(free);
  EXPECT_EQ(locks.order.pairs(), 0);
}

TEST(LockOrder, WhatWasTriedIsHeldAsWell) {
  Locks locks;
  run_in_turn(
      [&] {
        const std::unique_lock first(locks.a, std::try_to_lock);
        const std::scoped_lock second(locks.b);
      },
      [&] {
        const std::scoped_lock first(locks.b);
        const std::scoped_lock second(locks.a);
      });
  EXPECT_EQ(locks.order.cycle(), (Names{"a", "b"}));
}

TEST(LockOrder, ToWaitForSomeTimeMakesAPair) {
  LockOrder order;
  pdc::Watched<std::timed_mutex> a(order, "a"), b(order, "b");
  run_in_turn(
      [&] {
        const std::scoped_lock first(a);
        const std::unique_lock second(b, std::chrono::milliseconds(1));
        EXPECT_TRUE(second);
      },
      [&] {
        const std::scoped_lock first(b);
        const std::unique_lock second(a, std::chrono::milliseconds(1));
      });
  EXPECT_EQ(order.cycle(), (Names{"a", "b"}));
}

TEST(LockOrder, WhatIsGivenBackEarlyIsNotHeld) {
  Locks locks;
  std::unique_lock first(locks.a);
  first.unlock();
  const std::scoped_lock second(locks.b);
  EXPECT_EQ(locks.order.pairs(), 0);
}

/// Each holds its first lock before any wants its second: without help they would wait for ever.
template <class... Locked>
void close_circle(Locked&... locks) {
  std::vector<Mutex*> all{&locks...};
  std::barrier each_holds_one(static_cast<std::ptrdiff_t>(all.size()));
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < all.size(); ++i) {
    threads.emplace_back([&, i] {
      const pdc::Lane lane("thread {}", i);
      const pdc::LockingLane here(lane);
      const std::scoped_lock first(*all[i]);
      each_holds_one.arrive_and_wait();
      const std::scoped_lock second(*all[(i + 1) % all.size()]);
    });
  }
}

TEST(LockOrder, ADeadlockComesToItsEndAndIsNamed) {
  for (int time = 0; time < 50; ++time) {
    pdc::detail::make_arena();
    Locks locks;
    close_circle(locks.a, locks.b, locks.c);
    EXPECT_EQ(locks.order.cycle(), (Names{"a", "b", "c"}));
    EXPECT_EQ(locks.order.deadlock().cycle(), (Names{"thread 0", "thread 1", "thread 2"}));
    // What it was about is whole again.
    const std::scoped_lock lock(locks.a, locks.b, locks.c);
    pdc::detail::drop_arena();
  }
}

TEST(LockOrder, AThreadThatWaitsForItselfComesToItsEnd) {
  Locks locks;
  {
    const std::scoped_lock first(locks.a);
    const std::scoped_lock again(locks.a);
    EXPECT_FALSE(std::async(std::launch::async, [&] { return locks.a.try_lock(); }).get());
  }
  EXPECT_EQ(locks.order.cycle(), Names{"a"});
  EXPECT_EQ(locks.order.deadlock().cycle().size(), 1U);
  EXPECT_TRUE(locks.a.try_lock());
  locks.a.unlock();
}

TEST(LockOrder, ARecursiveMutexMayBeTakenAgain) {
  LockOrder order;
  pdc::Watched<std::recursive_mutex> again(order, "again");
  pdc::Watched<std::mutex> inner(order, "inner");
  {
    const std::scoped_lock one(again);
    const std::scoped_lock two(inner);
    const std::scoped_lock three(again);  // waits for nobody: no pair
  }
  EXPECT_EQ(order.pairs(), 1);
  EXPECT_TRUE(order.cycle().empty());
}

TEST(LockOrder, ALockThatIsTakenWaitsForItsTurn) {
  Locks locks;
  int count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 1000; ++n) {
          const std::scoped_lock lock(locks.a);
          ++count;
        }
      });
    }
  }
  EXPECT_EQ(count, 4000);
  EXPECT_TRUE(locks.order.deadlock().cycle().empty());
}

TEST(LockOrder, ALimitedWaitEndsAndIsNamed) {
  LockOrder order;
  pdc::Watched<std::timed_mutex> a(order, "a"), b(order, "b");
  std::barrier both(2);
  const auto take = [&](auto& mine, auto& other) {
    const std::scoped_lock first(mine);
    both.arrive_and_wait();
    const std::unique_lock second(other, std::chrono::milliseconds(20));
    both.arrive_and_wait();
    EXPECT_FALSE(second);
  };
  {
    const std::jthread one([&] { take(a, b); });
    const std::jthread two([&] { take(b, a); });
  }
  EXPECT_EQ(order.deadlock().cycle().size(), 2U);
}

TEST(LockOrder, WaitingForALockKeepsOutOfTheMeeting) {
  pdc::Meeting inside(2);
  LockOrder order(inside);
  Mutex a(order, "a");
  int visits = 0;
  const auto visit = [&] {
    const std::scoped_lock lock(a);
    inside.meet();  // would wait for ever for the thread that waits for the lock
    ++visits;
  };
  {
    const std::jthread one(visit);
    const std::jthread two(visit);
  }
  EXPECT_EQ(visits, 2);
  EXPECT_EQ(inside.met(), 1);
}

TEST(LockingLane, ShowsWhatIsWaitedForAndHeld) {
  pdc::detail::make_arena();
  {
    Locks locks;
    const pdc::Lane lane("thread");
    const pdc::LockingLane here(lane);
    const std::scoped_lock first(locks.a);
    const std::scoped_lock second(locks.b);
  }
  const pdc::detail::Recording recording = pdc::detail::read_arena(0);
  pdc::detail::drop_arena();
  ASSERT_EQ(recording.bars.size(), 2U);
  for (const auto& bar : recording.bars) EXPECT_EQ(bar.kind, pdc::Kind::hold);
  EXPECT_STREQ(recording.bars[0].label.data(), "a");
  EXPECT_STREQ(recording.bars[1].label.data(), "b");
}

}  // namespace
