// Background processes: children that end with their parent, children it waits for, and a daemon.
//
// Concept   A daemon child may not outlive its parent: the kernel kills it when the parent ends.
//           For another child the parent waits. A real daemon outlives it on purpose: it lets go of
//           the session, terminal, directory and descriptors that it was born with.
// Shows     prctl with PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER, fork, setsid, chdir, dup2
// Python    multiprocessing.Process(daemon=True)
// Run       background_processes --work 20
// You see   one child killed in mid-work and one that finished; a daemon that nothing ties to us
// Next      kill_process asks before it kills; process_class waits for its child in any case

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <set>
#include <thread>

namespace {

struct Pipe : pdc::Pipe {
  void tell() {  // who writes
    const pid_t self = getpid();
    pdc::posix(write(write_end.get(), &self, sizeof self), "write");
  }
  pid_t take() {  // 0 at the end of the stream: when nobody else holds the write end
    write_end.close();
    pid_t number = 0;
    pdc::posix(read(read_end.get(), &number, sizeof number), "read");
    return number;
  }
};

struct Seen {
  pdc::Shared<std::atomic<bool>> finished{false};  // the child that is waited for
  pdc::Shared<std::atomic<pid_t>> orphan{0};       // the daemon child
  pdc::Exit parent, daemon_end;
  siginfo_t daemon_child = {};
  pid_t daemon = 0, session = 0;
  std::set<std::filesystem::path> open;  // directory and standard descriptors of the daemon
};

/// A parent starts two children, waits for one of them, and ends.
void watch_family(Seen& seen, int milliseconds) {
  Pipe held;
  const pdc::Lane daemon("daemon child"), other("other child");
  pdc::Child parent([&] {
    Pipe ready;
    const pid_t self = getpid(), child = pdc::posix(fork(), "fork");
    if (child == 0) {
      pdc::posix(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
      if (getppid() != self) _exit(1);  // it had ended already
      const auto work = daemon.work("its work");
      ready.tell();
      held.take();  // forced: its parent ends before it is done
      _exit(0);
    }
    *seen.orphan = child;
    ready.take();  // our end is the child's from now on
    pdc::Child working([&] {
      const auto work = other.work("its work");
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));  // plays the work
      *seen.finished = true;
    });
    if (!working.wait().good() || waitpid(child, nullptr, WNOHANG) != 0) _exit(1);
  });  // the parent ends, and nobody has waited for its daemon child
  seen.parent = parent.wait();
  pdc::mark("the parent has ended");
  held.write_end.close();
  const auto orphan = static_cast<id_t>(seen.orphan->load());  // it is our child now
  pdc::posix(waitid(P_PID, orphan, &seen.daemon_child, WEXITED), "waitid");
}

/// A daemon outlives the process that launched it. Looks at it from outside, then lets it end.
void watch_daemon(Seen& seen) {
  Pipe started, held;
  pdc::Child launcher([&, daemon = pdc::Lane("daemon")] {
    pdc::posix(setsid(), "setsid");                 // a session without a terminal,
    if (pdc::posix(fork(), "fork") != 0) _exit(0);  // whose leader, who could get one, ends
    const auto work = daemon.work("serves");
    pdc::posix(chdir("/"), "chdir");
    const int null = pdc::posix(open("/dev/null", O_RDWR | O_CLOEXEC), "open");
    for (const int standard : {0, 1, 2}) pdc::posix(dup2(null, standard), "dup2");
    started.tell();
    held.take();  // until the watcher closes its end, or is killed
    if (open("/dev/tty", O_RDWR | O_CLOEXEC) != -1) _exit(1);
  });
  if (!launcher.wait().good()) return;
  const pid_t id = seen.daemon = started.take();
  pdc::mark("its launcher has ended");
  seen.session = getsid(id);
  for (const char* name : {"cwd", "fd/0", "fd/1", "fd/2"}) {
    seen.open.insert(std::filesystem::read_symlink(fmt::format("/proc/{}/{}", id, name)));
  }
  held.write_end.close();
  seen.daemon_end = pdc::Child(id).wait();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"work", 20, "milliseconds of work", {1, 1000}}});
  pdc::posix(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");  // orphans come to this process
  Seen seen;
  program.scene("a parent and two children", watch_family, seen, program.integer("work"));
  program.scene("a real daemon", watch_daemon, seen);
  pdc::check(seen.parent.good() && *seen.finished, "the parent waited for one child");
  pdc::check(seen.daemon_child.si_status == SIGKILL, "the other was killed when it ended");
  pdc::check(seen.session > 0 && seen.session != getsid(0), "a daemon has a session of its own");
  pdc::check(seen.open == decltype(seen.open){"/", "/dev/null"}, "it uses / and /dev/null only");
  pdc::check(seen.daemon_end.good(), "it had no terminal, and ended by itself");
  const bool orphan_is_gone = kill(*seen.orphan, 0) == -1;  // signal 0 only asks
  pdc::check(orphan_is_gone && kill(seen.daemon, 0) == -1, "nobody is left behind");
  return program.finish();
}
