// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace pdc {

void throw_errno(const char* call) {
  throw std::system_error(errno, std::generic_category(), call);
}

std::string Exit::text() const {
  if (signal == 0) return fmt::format("status {}", status);
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? fmt::format("signal {}", signal)
                         : fmt::format("signal {} (SIG{})", signal, name);
}

Pipe::Pipe() {
  int ends[2];
  posix(pipe2(ends, O_CLOEXEC), "pipe2");
  read_end = Descriptor(ends[0]);
  write_end = Descriptor(ends[1]);
}

Child::~Child() {
  if (pid_ != 0) wait();
}

Exit Child::wait() {
  int state = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(pid_, &state, 0);
  } while (ended == -1 && errno == EINTR);
  pid_ = 0;
  posix(ended, "waitpid");
  if (WIFSIGNALED(state)) return {0, WTERMSIG(state)};
  return {WEXITSTATUS(state), 0};
}

std::size_t next_to_end(const std::vector<Child>& children) {
  for (;;) {
    siginfo_t ended{};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOWAIT) == -1) {
      if (errno != EINTR) throw_errno("waitid");
    }
    const auto child = std::find_if(children.begin(), children.end(),
                                    [&](const Child& each) { return each.pid() == ended.si_pid; });
    if (child != children.end()) return static_cast<std::size_t>(child - children.begin());
    waitpid(ended.si_pid, nullptr, 0);  // a stranger; nobody else can wait for it
  }
}

void await_stop(pid_t child) {
  siginfo_t news{};
  while (waitid(P_PID, static_cast<id_t>(child), &news, WSTOPPED | WEXITED | WNOWAIT) == -1) {
    if (errno != EINTR) throw_errno("waitid");
  }
}

void die_with(pid_t parent) {
  posix(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (getppid() != parent) _exit(128 + SIGKILL);  // it ended before the line above
}

}  // namespace pdc
