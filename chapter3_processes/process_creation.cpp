// Process creation: fork a copy or spawn another program, wait for it, and learn how it ended.
//
// Concept   fork copies the process, posix_spawn starts another program. A child that has ended is
//           a zombie until its parent waits for it, and is told its status or its signal. A copy
//           has all that its parent had: exit handlers, text not written yet, descriptors.
// Shows     fork, posix_spawn, waitpid, WIFSTOPPED, WIFEXITED, WEXITSTATUS, WIFSIGNALED, WTERMSIG,
//           waitid, _exit, atexit, fflush, memfd_create
// Python    multiprocessing.Process, subprocess.run
// Run       process_creation --children 4
// You see   children one by one, then all at once, and how each ended; a zombie; a line that is
//           written twice, a descriptor that leaks, and the cure of both
// Next      process_class owns its child; background_processes has some that outlive their parent

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

int wait_for(pid_t child, int also = 0) {
  int state = 0;
  pdc::posix(waitpid(child, &state, also), "waitpid");
  return state;
}

pdc::Exit decode(int state) {
  pdc::Exit end;
  if (WIFEXITED(state)) end.status = WEXITSTATUS(state);
  if (WIFSIGNALED(state)) end.signal = WTERMSIG(state);
  return end;
}

/// How child number i is to end.
pdc::Exit plan(int i) {
  return i % 2 == 0 ? pdc::Exit{10 + i, 0} : pdc::Exit{0, SIGTERM};
}

pid_t start(int i) {
  const pid_t parent = getpid();
  const pdc::Lane lane("child {}", i);
  const pid_t child = pdc::posix(fork(), "fork");  // returns twice
  if (child != 0) return child;                    // in the parent: the child's id
  pdc::die_with(parent);                           // in the child: 0
  auto work = lane.work("{}", plan(i).text());
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the work
  raise(SIGSTOP);  // forced: it lives until its parent lets it go on
  work.end();
  if (plan(i).signal != 0) raise(plan(i).signal);
  _exit(plan(i).status);
}

struct Family {
  std::vector<pid_t> children = {};
  int alive = 0;  // at once
  int right = 0;  // children that ended as planned
};

/// Starts so many, and only then waits for them; then the next. With one at once that is to start
/// and to wait in one loop, which is wrong on purpose: nothing runs beside anything.
Family raise_children(int children, int at_once) {
  const pdc::Lane parent("parent");
  Family family;
  for (int first = 0; first < children; first += at_once) {
    std::vector<pid_t> started;
    for (int i = first; i < first + at_once; ++i) started.push_back(start(i));
    const auto wait = parent.wait("its children");
    family.alive = 0;
    for (const pid_t child : started) family.alive += WIFSTOPPED(wait_for(child, WUNTRACED));
    if (family.alive < at_once) break;
    for (int i = first; const pid_t child : started) {
      pdc::posix(kill(child, SIGCONT), "kill");
      family.right += decode(wait_for(child)).text() == plan(i++).text() ? 1 : 0;
      family.children.push_back(child);
    }
  }
  return family;
}

/// Nobody can be waited for twice: a parent that asks again has no such child.
bool was_waited_for(pid_t child) {
  return waitpid(child, nullptr, WNOHANG) == -1 && errno == ECHILD;
}

/// Whether a child that has ended keeps its id until its parent waits for it: a zombie.
bool stays_as_zombie() {
  const pid_t child = pdc::posix(fork(), "fork");
  if (child == 0) _exit(0);
  siginfo_t info;  // with WNOWAIT, waitid only looks
  pdc::posix(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), "waitid");
  const bool zombie = kill(child, 0) == 0;  // signal 0 only asks
  return decode(wait_for(child)).good() && zombie && kill(child, 0) == -1;
}

/// Another program, here a shell. Of this one it has what is in environ, and what stays open.
pdc::Exit spawn(std::string script) {
  std::string shell = "/bin/sh", option = "-c";
  char* const words[] = {shell.data(), option.data(), script.data(), nullptr};
  pid_t child = 0;
  errno = posix_spawn(&child, shell.c_str(), nullptr, nullptr, words, environ);
  if (errno != 0) pdc::throw_errno("posix_spawn");
  return decode(wait_for(child));
}

/// Does another program see a descriptor of this one? Status 0 says yes, 1 no.
pdc::Exit look_for_descriptor(unsigned flags) {
  const pdc::Descriptor secret(pdc::posix(memfd_create("secret", flags), "memfd_create"));
  return spawn(fmt::format("test -e /proc/self/fd/{}", secret.get()));
}

/// A program writes a word, forks a child that leaves at once, and ends. Returns what was written.
std::string leave_by(void (*leave)(int), bool flush_first) {
  const pdc::Descriptor file(pdc::posix(memfd_create("text", MFD_CLOEXEC), "memfd_create"));
  pdc::Child program([&] {
    static const int number = file.get();  // static: an exit handler has no captures
    std::atexit([] { pdc::posix(write(number, " farewell", 9), "write"); });
    std::FILE* const text = fdopen(number, "w");
    std::fputs(" text", text);  // into a buffer in memory, not into the file yet
    if (flush_first) std::fflush(text);
    const pdc::Exit end = pdc::Child([&] { leave(0); }).wait();
    std::exit(end.status + end.signal);  // runs the handler, writes the buffer
  });
  if (!program.wait().good()) return "";
  std::string written(40, 0);
  written.resize(static_cast<std::size_t>(pread(file.get(), written.data(), 40, 1)));
  return written;
}

void check_copies() {
  const std::string again = leave_by(std::exit, false), flushed = leave_by(std::exit, true);
  const std::string once = leave_by(_exit, false);
  pdc::check(again == "farewell text farewell text", "exit in a copy does all again", "{}", again);
  pdc::check(flushed == "text farewell farewell", "text flushed before fork is not", "{}", flushed);
  pdc::check(once == "farewell text", "_exit in a copy does nothing of that", "{}", once);
}

void check_programs() {
  const pdc::Exit status = spawn("exit 7"), signal = spawn("kill -TERM $$");
  pdc::check(status.status == 7 && signal.signal == SIGTERM,
             "another program told its status and its signal", "{}, {}", status.text(),
             signal.text());
  const pdc::Exit leaked = look_for_descriptor(0), closed = look_for_descriptor(MFD_CLOEXEC);
  pdc::check(leaked.good(), "another program finds a descriptor without O_CLOEXEC");
  pdc::check(closed.status == 1, "with O_CLOEXEC it finds none");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"children", 4, "children to start", {2, 64}}});
  const int children = program.integer("children");

  const Family in_loop = program.scene("one by one", raise_children, children, 1);
  const Family together = program.scene("all at once", raise_children, children, children);
  const int right = in_loop.right + together.right;
  pdc::check(in_loop.alive == 1, "in one loop, one child was alive at a time", "{}", in_loop.alive);
  pdc::check(together.alive == children, "all started first, all were alive at once", "{}",
             together.alive);
  pdc::check(right == 2 * children, "each told its status or its signal", "{} of {}", right,
             2 * children);
  check_programs();
  pdc::check(stays_as_zombie(), "a child that has ended is a zombie until it is waited for");
  check_copies();
  pdc::check(std::ranges::all_of(in_loop.children, was_waited_for) &&
                 std::ranges::all_of(together.children, was_waited_for),
             "no child is left to wait for");
  return program.finish();
}
