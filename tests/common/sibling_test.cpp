// SPDX-License-Identifier: MIT
#include "pdc/sibling.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

constexpr const char* sibling = "common_scenario";  // lies beside this test

TEST(Sibling, IsReadLineByLineAndWaitedFor) {
  pdc::Sibling holds(sibling, {"holds", "--quiet"});
  std::string last;
  while (const auto line = holds.line()) last = *line;
  EXPECT_EQ(last, "all claims hold");
  EXPECT_TRUE(holds.wait().good());
}

TEST(Sibling, SaysWhatStandsBehindTheWords) {
  pdc::Sibling speaks(sibling, {"speaks"});
  EXPECT_TRUE(speaks.said("thread 1 says ").starts_with("0 ..."));
  EXPECT_TRUE(speaks.said("thread 1 says ").starts_with("1 ..."));
  EXPECT_TRUE(speaks.wait().good()) << "although not all of it was read";
}

TEST(Sibling, ThatEndsWithoutTheWordsIsAnError) {
  pdc::Sibling holds(sibling, {"holds"});
  try {
    holds.said("port ");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "common_scenario ended before it said 'port '");
  }
}

TEST(Sibling, ThatCannotStartEndsThisProgramLikeItself) {
  const auto ask = [](const char* what) { pdc::Sibling(sibling, {what, "--quiet"}).said("port "); };
  const char* const why = "start common_scenario: it has said why it cannot";
  EXPECT_EXIT(ask("rejects"), testing::ExitedWithCode(2), why);
  EXPECT_EXIT(ask("refuses"), testing::ExitedWithCode(3), why);
}

TEST(Sibling, HasItsErrorsReadIfAskedFor) {
  pdc::Sibling refuses(sibling, {"refuses", "--quiet"}, pdc::Errors::read);
  EXPECT_EQ(refuses.said("scenario: "), "bind port 80: no; take another");
  EXPECT_EQ(refuses.wait().status, 3);
}

TEST(Sibling, IsToldToEndAndLeavesNoProcess) {
  pid_t pid = 0;
  {
    const pdc::Sibling stuck(sibling, {"stuck"});
    pid = stuck.pid();
    EXPECT_EQ(kill(pid, 0), 0);
  }
  EXPECT_EQ(kill(pid, 0), -1);
  EXPECT_EQ(errno, ESRCH);
}

TEST(Sibling, EndsByTheSignalSentToIt) {
  pdc::Sibling stuck(sibling, {"stuck"});
  stuck.send(SIGKILL);
  EXPECT_EQ(stuck.wait().signal, SIGKILL);
}

TEST(Sibling, DiesWithThisProcess) {
  pdc::posix(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");  // orphans become children of this one
  const pdc::Pipe pipe;
  pdc::Child parent([&] {
    const pdc::Sibling stuck(sibling, {"stuck"});
    const pid_t pid = stuck.pid();
    pdc::posix(write(pipe.write_end.get(), &pid, sizeof pid), "write");
    raise(SIGKILL);
  });
  pid_t pid = 0;
  pdc::posix(read(pipe.read_end.get(), &pid, sizeof pid), "read");
  EXPECT_EQ(parent.wait().signal, SIGKILL);
  const pdc::Exit end = pdc::Child(pid).wait();  // killed, or too late for that: it ends itself
  EXPECT_TRUE(end.signal == SIGKILL || end.status == 128 + SIGKILL) << end.text();
}

TEST(Sibling, ThatIsNotBuiltEndsThisProgramWithTheWayToBuildIt) {
  EXPECT_EXIT(pdc::Sibling("forgotten"), testing::ExitedWithCode(3),
              "forgotten is not built yet: ./pdc run .*test.* builds both\n$");
}

TEST(Sibling, ThatCannotBeStartedIsAnError) {
  EXPECT_THROW(pdc::Sibling("CTestTestfile.cmake"), std::system_error)
      << "beside it, but no program";
}

}  // namespace
