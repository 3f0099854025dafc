// Background processes: children that end with their parent, and orphans that go on.
//
// Concept   When a parent ends, its child goes on as an orphan, and gets another parent. Nobody who
//           knows of it is left. A child that is of no use without its parent asks the kernel for a
//           signal that ends it with its parent, however that ends.
// Shows     prctl with PR_SET_PDEATHSIG and PR_SET_CHILD_SUBREAPER, fork, getppid, _exit
// Python    multiprocessing.Process(daemon=True)
// Run       background_processes --work 20
// You see   an orphan that goes on when its parent has been killed; a child that is killed with it
// Next      daemon is to outlive its parent; process_class waits for its child in any case

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

namespace {

/// Wrong on purpose: nobody knows how long it will go on.
void go_on(pid_t) noexcept {}

/// In a child, first thing: the kernel kills it when its parent ends, however that ends. To be
/// exact, when the thread that forked it ends: fork from one that lives as long as the process.
void end_with(pid_t parent) noexcept {
  pdc::posix(prctl(PR_SET_PDEATHSIG, SIGKILL), "prctl");
  if (getppid() != parent) _exit(1);  // it has ended before the line above
}

/// Waits until every process has closed its write end, this one included, or has ended.
void wait_until_closed(pdc::Pipe& pipe) {
  pipe.write_end.close();
  char nothing = 0;
  while (read(pipe.read_end.get(), &nothing, 1) == -1 && errno == EINTR) continue;
}

struct Ends {
  pdc::Exit parent, child;
};

/// A parent starts a child, and is killed while that is at work. The child then comes to this
/// process, which lets it come to its end, and waits for it in the place of its parent.
Ends kill_parent(void (*begin)(pid_t parent) noexcept, int milliseconds) {
  const pdc::Lane lane("child");
  const pdc::Shared<std::atomic<pid_t>> child(0);
  pdc::Pipe parent_ended;  // closed then: nothing is written
  pdc::Child parent([&] {
    pdc::Pipe child_began;  // the same
    const pid_t self = getpid(), started = pdc::posix(fork(), "fork");
    if (started == 0) {
      begin(self);
      const auto work = lane.work("works");
      child_began.write_end.close();
      wait_until_closed(parent_ended);                                       // so long at least
      std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));  // plays the rest of it
      _exit(0);
    }
    *child = started;
    wait_until_closed(child_began);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays its own work
    raise(SIGKILL);  // forced: it cannot see to its child any more
  });
  const pdc::Exit end = parent.wait();
  pdc::mark("its parent has ended");
  parent_ended.write_end.close();
  return {end, pdc::Child(*child).wait()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"work", 20, "milliseconds of work", {1, 1000}}});
  const int work = program.integer("work");
  pdc::posix(prctl(PR_SET_CHILD_SUBREAPER, 1), "prctl");  // orphans come to this process

  const Ends orphan = program.scene("an orphan", kill_parent, go_on, work);
  const Ends bound = program.scene("bound to its parent", kill_parent, end_with, work);

  pdc::check(orphan.parent.signal == SIGKILL && orphan.child.good(),
             "an orphan goes on when its parent has been killed", "{}", orphan.child.text());
  pdc::check(bound.parent.signal == SIGKILL && bound.child.signal == SIGKILL,
             "a child that is bound to its parent is killed with it", "{}", bound.child.text());
  return program.finish();
}
