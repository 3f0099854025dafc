// SPDX-License-Identifier: MIT
#include "brief_name.hpp"

#include "pdc/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace {

using boost::interprocess::message_queue;

class BriefNameTest : public testing::Test {
 protected:
  BriefNameTest() { pdc::posix(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl"); }
  ~BriefNameTest() override { shm_unlink(name_.c_str()); }

  void make() const {
    pdc::Descriptor(pdc::posix(shm_open(name_.c_str(), O_CREAT | O_EXCL, 0600), "shm_open"));
  }

  bool is_there() const { return access(("/dev/shm/" + name_).c_str(), F_OK) == 0; }

  /// Whose parent has died: they are this process's children now.
  static void wait_for_orphans() {
    while (waitpid(-1, nullptr, 0) > 0) {
    }
  }

  const std::string name_ = fmt::format("pdc-test-{}", getpid());
};

pid_t only_child() {
  pid_t pid = 0;
  std::ifstream(fmt::format("/proc/self/task/{}/children", gettid())) >> pid;
  return pid;
}

TEST_F(BriefNameTest, GoesAtTheEndOfItsLife) {
  {
    const BriefName brief(name_);
    make();
    EXPECT_TRUE(is_there());
  }
  EXPECT_FALSE(is_there());
  EXPECT_EQ(waitpid(-1, nullptr, 0), -1) << "a child is left";
}

TEST_F(BriefNameTest, NeedNotHaveBeenUsed) {
  { const BriefName brief(name_); }
  EXPECT_FALSE(is_there());
}

TEST_F(BriefNameTest, LeavesTheQueueToThoseWhoHaveIt) {
  const auto made = [this] {
    const BriefName brief(name_);
    return message_queue(boost::interprocess::create_only, name_.c_str(), 1, 1);
  };
  message_queue queue = made();
  EXPECT_FALSE(is_there());
  pdc::Child([&] { queue.send("x", 1, 0); }).wait();
  EXPECT_EQ(queue.get_num_msg(), 1U);
}

TEST_F(BriefNameTest, GoesWhenItsProcessIsKilled) {
  for (const int signal : {SIGKILL, SIGTERM, SIGINT}) {
    pdc::Child victim([&] {
      const BriefName brief(name_);
      make();
      raise(signal);
    });
    EXPECT_EQ(victim.wait().signal, signal);
    wait_for_orphans();
    EXPECT_FALSE(is_there()) << "after signal " << signal;
  }
}

TEST_F(BriefNameTest, GoesWhenTheTerminalInterruptsAll) {
  pdc::Child victim([&] {
    pdc::posix(setpgid(0, 0), "setpgid");
    const BriefName brief(name_);
    make();
    kill(0, SIGINT);
  });
  EXPECT_EQ(victim.wait().signal, SIGINT);
  wait_for_orphans();
  EXPECT_FALSE(is_there());
}

TEST_F(BriefNameTest, GoesWhenItsWatchIsKilled) {
  {
    const BriefName brief(name_);
    make();
    pdc::posix(kill(only_child(), SIGKILL), "kill");
  }
  EXPECT_FALSE(is_there());
}

TEST_F(BriefNameTest, LeavesTheSignalsAsTheyWere) {
  sigset_t before, after;
  sigprocmask(SIG_BLOCK, nullptr, &before);
  { const BriefName brief(name_); }
  sigprocmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < NSIG; ++signal)
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
}

}  // namespace
