// Daemon: a process that nothing ties to whoever launched it.
//
// Concept   A server is to outlive whoever launched it. A child in the background keeps what it was
//           born with: the session, whose terminal sends SIGHUP when it closes, the directory,
//           every open file. A daemon lets go of all that, and leaves its launcher by a second fork.
// Shows     fork, setsid, chdir, dup2, close_range, /proc/PID/cwd, /proc/PID/fd
// Run       daemon --work 20
// You see   a child in the background, which keeps everything; a daemon, which keeps what it was given
// Next      background_processes end with their parent; kill_process asks before it kills

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace {

/// Wrong on purpose: it keeps what it was born with.
int go_on(int keep) noexcept {
  return keep;
}

/// In a child: goes on in a grandchild that has let go of all that it was born with, but for one
/// descriptor. That has the number 3 from now on. No exception may get past the fork: so noexcept.
int become_daemon(int keep) noexcept {
  pdc::posix(setsid(), "setsid");                 // a session without a terminal,
  if (pdc::posix(fork(), "fork") != 0) _exit(0);  // whose leader, who could get one, ends
  pdc::posix(chdir("/"), "chdir");                // keeps no directory from being unmounted
  pdc::posix(dup2(keep, 3), "dup2");
  const int null = pdc::posix(open("/dev/null", O_RDWR), "open");
  for (const int standard : {0, 1, 2}) pdc::posix(dup2(null, standard), "dup2");
  pdc::posix(close_range(4, ~0U, 0), "close_range");
  return 3;
}

struct Seen {
  pid_t process = 0, session = 0;
  std::string directory;
  std::vector<std::string> open = {};  // what its descriptors stand for
  pdc::Exit end{-1, 0};
};

Seen look_at(pid_t process) {
  const std::filesystem::path about = fmt::format("/proc/{}", process);
  std::error_code gone;  // it may end meanwhile
  Seen seen{process, getsid(process), read_symlink(about / "cwd", gone)};
  std::filesystem::directory_iterator file(about / "fd", gone);
  while (file != end(file)) {
    seen.open.push_back(read_symlink(file->path(), gone));
    file.increment(gone);
  }
  return seen;
}

/// In the background: at work until the watcher closes its end, and a little longer.
void serve(int line, int milliseconds, const pdc::Lane& lane) {
  const auto work = lane.work("works");
  const pid_t self = getpid();
  pdc::posix(write(line, &self, sizeof self), "write");  // says that it is ready
  char nothing = 0;
  while (read(line, &nothing, 1) == -1 && errno == EINTR) continue;
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));  // plays the rest of it
  _exit(0);
}

/// A launcher that has a file open starts a process, and ends while that is at work. The watcher
/// looks at it then, lets it come to its end, and waits for it in the place of its parent.
Seen watch(int (*become)(int keep), int milliseconds) {
  const pdc::Lane lane("background");
  const pdc::Shared<std::atomic<pid_t>> process(0);
  int ends[2];
  pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), "socketpair");
  pdc::Descriptor watcher(ends[0]), line(ends[1]);
  pdc::Child launcher([&] {
    pdc::posix(memfd_create("secret", 0), "memfd_create");
    const pid_t child = pdc::posix(fork(), "fork");
    if (child == 0) {
      watcher.close();
      serve(become(line.get()), milliseconds, lane);
    }
    line.close();
    pid_t ready = 0;
    pdc::posix(read(watcher.get(), &ready, sizeof ready), "read");
    if (ready != child) waitpid(child, nullptr, 0);             // it has only forked the daemon
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays its own work
    *process = ready;
  });
  line.close();
  if (!launcher.wait().good() || *process == 0) return {};
  pdc::mark("its launcher has ended");
  Seen seen = look_at(*process);
  watcher.close();
  seen.end = pdc::Child(seen.process).wait();
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"work", 20, "milliseconds of work", {1, 1000}}});
  const int work = program.integer("work");
  pdc::posix(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");  // orphans come to this process

  const Seen child = program.scene("in the background", watch, go_on, work);
  const Seen daemon = program.scene("a daemon", watch, become_daemon, work);

  pdc::check(child.end.good() && daemon.end.good(),
             "a child in the background goes on when its launcher has ended, and so does a daemon");
  pdc::check(child.session == getsid(0), "a child in the background stays in its session");
  pdc::check(child.directory == std::filesystem::current_path(),
             "a child in the background keeps its directory");
  const auto secrets = std::ranges::count(child.open, "/memfd:secret (deleted)");
  pdc::check(secrets == 1, "a child in the background keeps what its launcher had open");
  pdc::check(daemon.session != getsid(0) && daemon.session != daemon.process,
             "a daemon is in another session, which it does not lead");
  pdc::check(daemon.directory == "/", "a daemon keeps no directory but the root directory");
  const auto nulls = std::ranges::count(daemon.open, "/dev/null");
  pdc::check(nulls == 3 && daemon.open.size() == 4,
             "a daemon has nothing open but /dev/null and what it was given");
  return program.finish();
}
