// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>

namespace {

auto open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

int open_null() {
  return pdc::posix(open("/dev/null", O_RDONLY | O_CLOEXEC), "open");
}

bool is_open(int number) {
  return fcntl(number, F_GETFD) >= 0;
}

TEST(Descriptor, ClosesAtTheEndOfItsLife) {
  const auto before = open_descriptors();
  {
    const pdc::Descriptor one(open_null());
    const pdc::Descriptor two(open_null());
    EXPECT_EQ(open_descriptors(), before + 2);
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Descriptor, MovingHandsItOn) {
  const auto before = open_descriptors();
  pdc::Descriptor from(open_null());
  const int number = from.get();
  {
    const pdc::Descriptor to(std::move(from));
    EXPECT_EQ(to.get(), number);
    EXPECT_EQ(open_descriptors(), before + 1);
  }
  EXPECT_FALSE(is_open(number));
  EXPECT_EQ(open_descriptors(), before);
}

TEST(Descriptor, MoveAssignmentClosesWhatWasThere) {
  const auto before = open_descriptors();
  pdc::Descriptor one(open_null());
  pdc::Descriptor two(open_null());
  const int first = one.get();
  const int second = two.get();
  one = std::move(two);
  EXPECT_EQ(one.get(), second);
  EXPECT_FALSE(is_open(first));
  EXPECT_TRUE(is_open(second));
  EXPECT_EQ(open_descriptors(), before + 1);
}

TEST(Descriptor, CloseIsEarlyAndOnce) {
  pdc::Descriptor one(open_null());
  const int number = one.get();
  one.close();
  EXPECT_EQ(one.get(), -1);
  const pdc::Descriptor other(open_null());
  EXPECT_EQ(other.get(), number);  // the lowest free one is taken again
  one.close();
  EXPECT_TRUE(is_open(number));
}

TEST(Child, EndsWithStatusZeroWhenItsBodyReturns) {
  pdc::Child child([] {});
  EXPECT_GT(child.pid(), 0);
  const pdc::Exit exit = child.wait();
  EXPECT_TRUE(exit.good());
  EXPECT_EQ(exit.text(), "status 0");
}

TEST(Child, TellsItsStatus) {
  const pdc::Exit exit = pdc::Child([] { _exit(7); }).wait();
  EXPECT_FALSE(exit.good());
  EXPECT_EQ(exit.status, 7);
  EXPECT_EQ(exit.signal, 0);
  EXPECT_EQ(exit.text(), "status 7");
}

TEST(Child, TellsTheSignal) {
  const pdc::Exit exit = pdc::Child([] { raise(SIGKILL); }).wait();
  EXPECT_FALSE(exit.good());
  EXPECT_EQ(exit.status, 0);
  EXPECT_EQ(exit.signal, SIGKILL);
  EXPECT_EQ(exit.text(), "signal 9 (SIGKILL)");
}

TEST(Exit, NamesTheSignalIfItHasAName) {
  EXPECT_EQ((pdc::Exit{0, SIGPIPE}.text()), "signal 13 (SIGPIPE)");
  EXPECT_EQ((pdc::Exit{0, 40}.text()), "signal 40");
}

TEST(Child, TakesChargeOfOneThatIsThere) {
  const pid_t pid = pdc::posix(fork(), "fork");
  if (pid == 0) _exit(3);
  pdc::Child child(pid);
  EXPECT_EQ(child.pid(), pid);
  EXPECT_EQ(child.wait().status, 3);
}

TEST(Child, IsWaitedForAtTheEndOfItsLife) {
  pid_t pid = 0;
  {
    const pdc::Child child([] {});
    pid = child.pid();
  }
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Child, MovingHandsItOn) {
  pdc::Child from([] { _exit(5); });
  const pid_t pid = from.pid();
  pdc::Child to(std::move(from));
  EXPECT_EQ(to.pid(), pid);
  EXPECT_EQ(to.wait().status, 5);
}

TEST(Child, IsWaitedForAlthoughASignalInterrupts) {
  struct sigaction action {};
  struct sigaction before {};
  action.sa_handler = [](int) {};  // and no SA_RESTART
  pdc::posix(sigaction(SIGUSR1, &action, &before), "sigaction");
  const pid_t parent = getpid();
  pdc::Child child([=] {
    kill(parent, SIGUSR1);
    _exit(6);
  });
  EXPECT_EQ(child.wait().status, 6);
  sigaction(SIGUSR1, &before, nullptr);
}

/// The grandchild holds the write end: the stream ends when it has ended.
TEST(Pipe, CarriesBytesAndEnds) {
  pdc::Pipe pipe;
  ASSERT_EQ(write(pipe.write_end.get(), "abc", 3), 3);
  pipe.write_end.close();
  char bytes[8] = {};
  EXPECT_EQ(read(pipe.read_end.get(), bytes, sizeof bytes), 3);
  EXPECT_STREQ(bytes, "abc");
  EXPECT_EQ(read(pipe.read_end.get(), bytes, sizeof bytes), 0);
  EXPECT_NE(fcntl(pipe.read_end.get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(NextToEnd, IsTheOneThatHasEndedAndNotTheFirst) {
  pdc::Pipe held;
  std::vector<pdc::Child> children;
  children.emplace_back([&] {
    held.write_end.close();
    char none = 0;
    pdc::posix(read(held.read_end.get(), &none, 1), "read");
  });
  children.emplace_back([] { raise(SIGKILL); });
  ASSERT_EQ(pdc::next_to_end(children), 1u);
  EXPECT_EQ(children[1].wait().signal, SIGKILL);
  held.write_end.close();
  ASSERT_EQ(pdc::next_to_end(children), 0u);
  EXPECT_TRUE(children[0].wait().good());
}

/// As a program finds them that was started by `sleep 1 & exec program`.
TEST(NextToEnd, PassesOverAChildThatIsNoneOfThese) {
  const pid_t stranger = pdc::posix(fork(), "fork");
  if (stranger == 0) _exit(0);
  siginfo_t ended{};
  pdc::posix(waitid(P_PID, static_cast<id_t>(stranger), &ended, WEXITED | WNOWAIT), "waitid");
  std::vector<pdc::Child> children;
  children.emplace_back([] { _exit(7); });
  ASSERT_EQ(pdc::next_to_end(children), 0U);
  EXPECT_EQ(children[0].wait().status, 7);
}

TEST(NextToEnd, WithoutAChildIsAnError) {
  EXPECT_THROW(pdc::next_to_end({}), std::system_error);
}

TEST(DieWith, AChildEndsWithItsParent) {
  int ends[2];
  pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
  const pdc::Descriptor read_end(ends[0]);
  pdc::Descriptor write_end(ends[1]);
  pdc::Child parent([&] {
    const pdc::Child child([&] {
      pdc::posix(write(write_end.get(), "!", 1), "write");
      while (true) pause();
    });
    while (true) pause();
  });
  write_end.close();
  char byte = 0;
  ASSERT_EQ(read(read_end.get(), &byte, 1), 1);  // it lives, and die_with has been called
  kill(parent.pid(), SIGKILL);
  EXPECT_EQ(read(read_end.get(), &byte, 1), 0);
}

TEST(DieWith, AChildWhoseParentHasEndedAlreadyEnds) {
  const pid_t somebody_else = getppid();
  pdc::Child child([=] {
    pdc::die_with(somebody_else);
    _exit(1);
  });
  EXPECT_EQ(child.wait().status, 128 + SIGKILL);
}

TEST(AwaitStop, ReturnsWhenTheChildHasStopped) {
  const pdc::Shared<std::atomic<int>> step(0);
  pdc::Child child([&] {
    *step = 1;
    raise(SIGSTOP);
    *step = 2;
  });
  pdc::await_stop(child.pid());
  EXPECT_EQ(*step, 1);
  kill(child.pid(), SIGCONT);
  EXPECT_TRUE(child.wait().good());
  EXPECT_EQ(*step, 2);
}

TEST(AwaitStop, LeavesAChildThatHasEndedToBeWaitedFor) {
  pdc::Child child([] { _exit(3); });
  pdc::await_stop(child.pid());
  EXPECT_EQ(child.wait().status, 3);
}

TEST(AwaitStop, RefusesWhatIsNoChild) {
  EXPECT_THROW(pdc::await_stop(getpid()), std::system_error);
}

TEST(Posix, GivesBackWhatIsNotAnError) {
  EXPECT_EQ(pdc::posix(0, "call"), 0);
  EXPECT_EQ(pdc::posix(-2, "call"), -2);
  EXPECT_EQ(pdc::posix(ssize_t{17}, "call"), 17);
}

TEST(Posix, ThrowsTheErrorAndTheNameOfTheCall) {
  try {
    pdc::posix(open("/there/is/none", O_RDONLY), "open the door");
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_STREQ(error.what(), "open the door: No such file or directory");
  }
}

struct Counters {
  std::atomic<int> sum = 0;
  int initial = 0;
};

TEST(Shared, IsSharedWithChildren) {
  const pdc::Shared<std::atomic<int>> sum(5);
  {
    const pdc::Child one([&] { *sum += 10; });
    const pdc::Child two([&] { *sum += 100; });
  }
  EXPECT_EQ(*sum, 115);
  const pdc::Shared<Counters> counters;
  pdc::Child([&] { counters->initial = 3; }).wait();
  EXPECT_EQ(counters->initial, 3);
}

TEST(Shared, DestroysItsObject) {
  struct Noted {
    explicit Noted(int& place) : noted(place) {}
    ~Noted() { noted = 1; }
    int& noted;
  };
  int destroyed = 0;
  {
    const pdc::Shared<Noted> object(destroyed);
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 1);
}

}  // namespace
