// SPDX-License-Identifier: MIT
#include "process_pool.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include "pdc/stage.hpp"

namespace {

/// As pdc::Program does it: a worker that has died is a failed write, not the end of the pool.
class ProcessPool : public testing::Test {
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
};

TEST_F(ProcessPool, ManyTasksHaveTheirResultsInTheirPlaces) {
  Pool pool(3, 1, [](std::int64_t number, const pdc::Lane&) { return number * number; });
  std::int64_t number = 0;
  for (const Task& task : pool.map(5000)) {
    ++number;
    EXPECT_TRUE(task.is_done);
    EXPECT_EQ(task.value, number * number);
  }
  EXPECT_EQ(number, 5000);
}

TEST_F(ProcessPool, AWorkerThatDiesIdleCostsNoTaskItsTry) {
  Pool pool(1, 1, [](std::int64_t, const pdc::Lane&) { return getpid(); });
  const auto worker = static_cast<pid_t>(pool.map(1)[0].value);
  ASSERT_EQ(kill(worker, SIGKILL), 0);
  siginfo_t end;  // it is dead before the next task is handed out
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(worker), &end, WEXITED | WNOWAIT), 0);
  for (const Task& task : pool.map(5)) {
    EXPECT_TRUE(task.is_done);
    EXPECT_EQ(task.deaths, 0);
    EXPECT_NE(task.value, worker);
  }
}

TEST_F(ProcessPool, ASignalThatIsHandledInterruptsNothing) {
  struct sigaction action = {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  struct sigaction before;
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  const pdc::Shared<pdc::Meeting> pool_waits(2);
  Pool pool(1, 1, [&](std::int64_t number, const pdc::Lane&) {
    pool_waits->meet();  // forced: the pool sleeps in poll
    kill(getppid(), SIGUSR1);
    return number;
  });
  const pdc::Lane lane("pool");
  const auto outside = pool_waits->wait_outside(lane, "a result");
  EXPECT_TRUE(pool.map(1)[0].is_done);
  sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
