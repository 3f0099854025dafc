#include "pdc/process.hpp"

#include <fmt/core.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

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

void die_with(pid_t parent) {
  posix(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (getppid() != parent) _exit(128 + SIGKILL);  // it ended before the line above
}

}  // namespace pdc
