// SPDX-License-Identifier: MIT
#include "pdc/stage.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>

#include <array>
#include <atomic>
#include <barrier>
#include <boost/asio.hpp>
#include <latch>
#include <mutex>
#include <semaphore>
#include <thread>
#include <vector>

#include "pdc/process.hpp"

namespace {

namespace asio = boost::asio;
constexpr int parties = 4;
constexpr int times = 50;  // what is certain is so every time
const pdc::Lane lane("no picture of it is drawn");

/// With all cores that there are, and with one.
class Stage : public testing::TestWithParam<bool> {
 protected:
  Stage() {
    pdc::posix(sched_getaffinity(0, sizeof before_, &before_), "sched_getaffinity");
    if (!GetParam()) return;
    cpu_set_t one;
    CPU_ZERO(&one);
    for (std::size_t core = 0; CPU_COUNT(&one) == 0; ++core)
      if (CPU_ISSET(core, &before_)) CPU_SET(core, &one);
    pdc::posix(sched_setaffinity(0, sizeof one, &one), "sched_setaffinity");
  }
  ~Stage() override { sched_setaffinity(0, sizeof before_, &before_); }

 private:
  cpu_set_t before_;
};
INSTANTIATE_TEST_SUITE_P(Cores, Stage, testing::Bool(),
                         [](const auto& cores) { return cores.param ? "one" : "all"; });

template <class Body>
void run_threads(int number, Body body) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < number; ++i) threads.emplace_back(body, i);
}

template <class Body>
void run_processes(int number, Body body) {
  std::vector<pdc::Child> children;
  for (int i = 0; i < number; ++i) children.emplace_back([&, i] { body(i); });
}

TEST_P(Stage, AGaugeCountsThoseInsideAndTheMost) {
  pdc::Gauge gauge;
  std::barrier together(parties);
  run_threads(parties, [&](int i) {
    if (i == 0) {
      const auto visit = gauge.visit();
      EXPECT_EQ(gauge.inside(), 1);
    }
    together.arrive_and_wait();
    const auto visit = gauge.visit();
    together.arrive_and_wait();
    EXPECT_EQ(gauge.inside(), parties);
    together.arrive_and_wait();
  });
  EXPECT_EQ(gauge.inside(), 0);
  EXPECT_EQ(gauge.most(), parties);
}

TEST_P(Stage, AGaugeKeepsTheMostAmongProcesses) {
  const pdc::Shared<pdc::Gauge> gauge;
  const pdc::Shared<pdc::Meeting> inside(parties);
  run_processes(parties, [&](int) {
    const auto visit = gauge->visit();
    inside->meet();
  });
  EXPECT_EQ(gauge->inside(), 0);
  EXPECT_EQ(gauge->most(), parties);
}

TEST_P(Stage, AllMeetWhereNothingKeepsThemOut) {
  for (int time = 0; time < times; ++time) {
    pdc::Meeting meeting(parties);
    std::atomic<int> came = 0, early = 0;
    run_threads(parties, [&](int) {
      ++came;
      meeting.meet();
      if (came != parties) ++early;
    });
    EXPECT_EQ(meeting.met(), parties);
    EXPECT_EQ(early, 0);
  }
}

TEST_P(Stage, AllMeetAgainInEveryRound) {
  pdc::Meeting meeting(parties);
  std::array<std::atomic<int>, times> came = {};
  std::atomic<int> early = 0;
  run_threads(parties, [&](int) {
    for (std::atomic<int>& round : came) {
      ++round;
      meeting.meet();
      if (round != parties) ++early;
    }
  });
  EXPECT_EQ(early, 0);
}

/// What a page does. Returns how many met inside.
template <class Protection>
int meet_inside(Protection& protection, int rounds = 1) {
  pdc::Meeting inside(parties);
  run_threads(parties, [&](int) {
    for (int round = 0; round < rounds; ++round) {
      auto wait = inside.wait_outside(lane, "protection");
      protection.acquire();
      wait.end();
      inside.meet();
      protection.release();
    }
  });
  return inside.met();
}

TEST_P(Stage, ThoseWhoAreKeptOutAreNotWaitedFor) {
  for (int places = 1; places < parties; ++places) {
    for (int time = 0; time < times / 5; ++time) {
      std::counting_semaphore<> free_places(places);
      EXPECT_EQ(meet_inside(free_places, 3), places);
    }
  }
}

TEST_P(Stage, ThoseWhoOnlyPassOutsideAreWaitedFor) {
  struct {
    void acquire() {}
    void release() {}
  } nothing;
  for (int time = 0; time < 4 * times; ++time) EXPECT_EQ(meet_inside(nothing), parties);
}

TEST_P(Stage, ThoseWhoAreJustLetInAreWaitedFor) {
  struct {
    std::mutex mutex;
    void acquire() { const std::scoped_lock too_short(mutex); }
    void release() {}
  } given_back_too_early;
  for (int time = 0; time < 4 * times; ++time)
    EXPECT_EQ(meet_inside(given_back_too_early), parties);
}

TEST_P(Stage, WhoForgetsToSayThatItIsInsideIsCountedOnce) {
  for (int time = 0; time < times; ++time) {
    pdc::Meeting inside(parties);
    run_threads(parties, [&](int) {
      const auto wait = inside.wait_outside(lane, "nothing");
      inside.meet();
    });
    EXPECT_EQ(inside.met(), parties);
  }
}

TEST_P(Stage, WhoHasEndedOrLeftIsNotWaitedFor) {
  pdc::Meeting meeting(4);
  meeting.leave();  // without ever having been there
  std::jthread([&] { meeting.wait_outside(lane, "nothing").end(); }).join();
  std::latch has_left(1), is_over(1);
  const std::jthread left([&] {
    meeting.wait_outside(lane, "nothing").end();
    meeting.leave();
    has_left.count_down();
    is_over.wait();  // lives on
  });
  has_left.wait();
  run_threads(1, [&](int) { meeting.meet(); });
  is_over.count_down();
  EXPECT_EQ(meeting.met(), 1);
}

TEST_P(Stage, ProcessesMeetWhereNothingKeepsThemOut) {
  for (int time = 0; time < times / 5; ++time) {
    const pdc::Shared<pdc::Meeting> inside(parties);
    run_processes(parties, [&](int) {
      inside->wait_outside(lane, "nothing").end();
      inside->meet();
    });
    EXPECT_EQ(inside->met(), parties);
  }
}

TEST_P(Stage, ProcessesThatAreKeptOutAreNotWaitedFor) {
  struct Room {
    Room() : inside(parties) { pdc::posix(sem_init(&places, 1, 2), "sem_init"); }
    sem_t places;
    pdc::Meeting inside;
  };
  for (int time = 0; time < times / 5; ++time) {
    const pdc::Shared<Room> room;
    run_processes(parties, [&](int) {
      auto wait = room->inside.wait_outside(lane, "a place");
      sem_wait(&room->places);
      wait.end();
      room->inside.meet();
      sem_post(&room->places);
    });
    EXPECT_EQ(room->inside.met(), 2);
  }
}

TEST_P(Stage, AKilledProcessIsNotWaitedFor) {
  const pdc::Shared<pdc::Meeting> meeting(2);
  const pdc::Child killed([&] {
    const auto wait = meeting->wait_outside(lane, "the signal");
    raise(SIGKILL);
  });
  const pdc::Child other([&] {
    meeting->wait_outside(lane, "nothing").end();
    meeting->meet();
  });
}

/// One place for the tasks of a loop; no place is no protection.
int meet_on_a_loop(bool is_protected) {
  asio::io_context loop;
  pdc::Meeting inside(parties);
  asio::steady_timer given_back(loop, asio::steady_timer::time_point::max());
  bool taken = false;
  for (int i = 0; i < parties; ++i) {
    const auto task = [&]() -> asio::awaitable<void> {
      auto wait = inside.wait_outside(lane, "the place");
      while (is_protected && taken)
        co_await given_back.async_wait(asio::as_tuple(asio::use_awaitable));
      wait.end();
      taken = true;
      const auto round = inside.come();
      while (!inside.is_over(round)) co_await asio::post(asio::use_awaitable);
      taken = false;
      given_back.cancel_one();
      inside.leave();
    };
    asio::co_spawn(loop, task, [](std::exception_ptr error) { EXPECT_FALSE(error); });
  }
  loop.run();
  return inside.met();
}

TEST_P(Stage, TasksOfALoopMeet) {
  EXPECT_EQ(meet_on_a_loop(false), parties);
  EXPECT_EQ(meet_on_a_loop(true), 1);
}

}  // namespace
