// Fork with threads: the copy has one thread, and the locks of all.
//
// Concept   Only the thread that forks goes on in the child. A lock that another thread holds at
//           that moment is copied as it is: locked, by a thread that the child does not have. So
//           fork before the first thread, or start another program, which has memory of its own.
// Shows     fork, posix_spawn, pthread_atfork, tgkill, std::jthread
// Python    multiprocessing.set_start_method("forkserver"), os.register_at_fork
// Run       fork_with_threads --tries 1000
// You see   a lock that is given back in the parent and stays locked in the child; and three ways
//           to start a child that does not wait for it
// Next      shared_memory is not copied; process_lock has a lock for several processes

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <latch>
#include <mutex>
#include <system_error>
#include <thread>

namespace {

void succeed(int error, const char* call) {  // these calls return their error
  if (error != 0) throw std::system_error(error, std::generic_category(), call);
}

/// A child may try it, which it may not do with a std::mutex: it is one lock-free atomic.
struct Lock {
  bool try_lock() {
    pid_t nobody = 0;
    return owner.compare_exchange_strong(nobody, gettid());
  }
  void lock() {
    for (pid_t other = 0; !owner.compare_exchange_strong(other, gettid()); other = 0)
      owner.wait(other);
  }
  void unlock() {
    owner = 0;
    owner.notify_all();
  }
  std::atomic<pid_t> owner = 0;  // a thread
};

Lock lock;                // of each process its own, as all memory is
int value = 0, copy = 0;  // of the value; behind the lock

struct Seen {
  pid_t thread = 0, owner = 0;  // of the parent's lock and of the child's
  int error = 0, in_vain = 0;   // error: when the child looks for the owner
  bool is_whole = false, is_free_in_parent = false;
  pdc::Exit exit;
};
using Start = pid_t(int tries, Seen&);

/// Wrong on purpose where a thread holds the lock at this moment, and right where none can.
pid_t fork_child(int tries, Seen& seen) {
  const pid_t parent = getpid();
  const pid_t child = pdc::posix(fork(), "fork");
  if (child != 0) return child;
  // Here only what a signal handler may call is safe: no new, no printf, no std::mutex.
  pdc::die_with(parent);
  raise(SIGSTOP);  // forced: it goes on when the thread of its parent has given the lock back
  while (!lock.try_lock() && ++seen.in_vain < tries) continue;  // lock() would never return
  seen.owner = lock.owner;
  seen.error = syscall(SYS_tgkill, getpid(), seen.owner, 0) == 0 ? 0 : errno;
  seen.is_whole = value == copy;
  if (seen.in_vain < tries) lock.owner = 0;  // notify_all is not safe here
  std::_Exit(0);  // as _exit, where ThreadSanitizer would look for threads that nobody has joined
}

pid_t spawn_program(int, Seen&) {
  char shell[] = "sh", option[] = "-c", command[] = "exit 7";
  char* const words[] = {shell, option, command, nullptr};
  pid_t program = 0;
  succeed(posix_spawn(&program, "/bin/sh", nullptr, nullptr, words, environ), "posix_spawn");
  return program;
}

/// A thread holds the lock until a child has been started, or until the start waits for the lock.
void run(Start start, bool is_early, int tries, Seen& seen) {
  const pdc::Lane lane("main");
  pdc::Meeting started(2);
  std::latch is_held(1);
  pid_t child = is_early ? start(tries, seen) : 0;
  {
    const std::jthread owner([&, lane = pdc::Lane("thread")] {
      const std::scoped_lock guard(lock);
      const auto update = lane.hold("lock");
      ++value;
      is_held.count_down();
      started.meet();
      ++copy;
    });
    is_held.wait();
    seen.thread = lock.owner;
    const auto starting = started.wait_outside(lane, "start");
    if (!is_early) child = start(tries, seen);
    started.meet();
  }  // ~jthread joins: the lock has been given back
  seen.is_free_in_parent = lock.try_lock();
  if (seen.is_free_in_parent) lock.unlock();
  pdc::await_stop(child);  // or its end
  const auto trying = pdc::Lane("child").wait("lock");
  pdc::posix(kill(child, SIGCONT), "kill");
  seen.exit = pdc::Child(child).wait();
  if (seen.in_vain > 0) pdc::fault("in vain");
}

void fork_with_handlers(int tries, Seen& seen) {
  succeed(pthread_atfork([] { lock.lock(); }, [] { lock.unlock(); }, [] { lock.owner = 0; }),
          "pthread_atfork");
  run(fork_child, false, tries, seen);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"tries", 1000, "of the child for the lock", {1, 1'000'000}}});
  const int tries = program.integer("tries");
  const pdc::Shared<Seen> late, early, spawned, handled;

  program.scene("fork while a thread holds the lock", run, fork_child, false, tries, *late);
  program.scene("fork before the thread", run, fork_child, true, tries, *early);
  program.scene("another program", run, spawn_program, false, tries, *spawned);
  program.scene("pthread_atfork", fork_with_handlers, tries, *handled);

  pdc::check(late->is_free_in_parent && late->in_vain == tries && !late->is_whole,
             "given back in the parent, the lock stays locked in the child", "{} tries",
             late->in_vain);
  pdc::check(late->owner == late->thread && late->error == ESRCH && early->error == 0,
             "the child does not have the thread that could give it back");
  pdc::check(early->in_vain == 0 && early->is_whole,
             "forked before there is a thread, the child has the lock free");
  pdc::check(spawned->exit.status == 7, "another program waits for no lock, and comes to its end",
             "{}", spawned->exit.text());
  pdc::check(handled->in_vain == 0 && handled->is_whole,
             "with pthread_atfork the child has the lock free, and whole data");
  return program.finish();
}
