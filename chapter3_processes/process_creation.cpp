// Process creation: fork a copy, wait for it, and learn how it ended.
//
// Concept   fork copies the process, and returns in both. A child that has ended is a zombie until
//           its parent waits for it, and is told its status or its signal. Start all children before
//           you wait for one. And leave a copy by _exit: exit does again what is its parent's to do.
// Shows     fork, waitpid, WIFEXITED, WEXITSTATUS, WIFSIGNALED, WTERMSIG, waitid, _exit, exit
// Python    multiprocessing.Process
// Run       process_creation --children 4
// You see   children one by one, then all at once, and how each ended; a zombie; a text that is
//           written twice, as a copy has left by exit
// Next      reaping waits beside its work; subprocess_run starts another program

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Waits for this child, and for no other: whoever started those waits for them.
pdc::Exit wait_for(pid_t child) {
  int state = 0;
  while (waitpid(child, &state, 0) == -1) {
    if (errno != EINTR) pdc::throw_errno("waitpid");
  }
  pdc::Exit end;
  if (WIFEXITED(state)) end.status = WEXITSTATUS(state);
  if (WIFSIGNALED(state)) end.signal = WTERMSIG(state);
  return end;
}

/// How child number i is to end.
pdc::Exit plan(int i) {
  return i % 2 == 0 ? pdc::Exit{10 + i, 0} : pdc::Exit{0, SIGTERM};
}

pid_t start(int i, pdc::Gauge& at_work) {
  const pid_t parent = getpid();
  const pdc::Lane lane("child {}", i);
  const pid_t child = pdc::posix(fork(), "fork");  // returns twice
  if (child != 0) return child;                    // in the parent: the child's id
  pdc::die_with(parent);                           // in the child: 0
  {
    const auto visit = at_work.visit();
    const auto work = lane.work("{}", plan(i).text());
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the work
    raise(SIGSTOP);  // forced: it is at work until its parent has seen all that it started
  }
  if (plan(i).signal != 0) raise(plan(i).signal);
  _exit(plan(i).status);
}

/// Whether it has ended and nobody has waited for it. Leaves it so.
bool is_zombie(pid_t child) {
  siginfo_t news{};
  waitid(P_PID, static_cast<id_t>(child), &news, WEXITED | WNOHANG | WNOWAIT);
  return news.si_pid == child;
}

void let_go_on(const std::vector<pid_t>& started) {
  for (const pid_t child : started) pdc::await_stop(child);
  for (const pid_t child : started) pdc::posix(kill(child, SIGCONT), "kill");
}

/// Wrong on purpose: nothing runs beside anything. How many children ended as planned?
int start_and_wait_in_one_loop(int children, pdc::Gauge& at_work) {
  const pdc::Lane parent("parent");
  int as_planned = 0;
  for (int i = 0; i < children; ++i) {
    const pid_t child = start(i, at_work);
    const auto wait = parent.wait("child {}", i);
    let_go_on({child});
    if (wait_for(child).text() == plan(i).text()) ++as_planned;
  }
  return as_planned;
}

int start_all_then_wait(int children, pdc::Gauge& at_work) {
  const pdc::Lane parent("parent");
  std::vector<pid_t> started;
  for (int i = 0; i < children; ++i) started.push_back(start(i, at_work));
  const auto wait = parent.wait("its children");
  let_go_on(started);
  int as_planned = 0;
  for (int i = 0; i < children; ++i)
    if (wait_for(started[static_cast<std::size_t>(i)]).text() == plan(i).text()) ++as_planned;
  return as_planned;
}

/// A process that has text in a buffer, not yet in its file, makes a copy. What is in the file then?
std::string write_text(void (*leave)(int)) {
  const int file = pdc::posix(memfd_create("text", MFD_CLOEXEC), "memfd_create");
  std::FILE* const text = fdopen(file, "w+");
  std::fputs("once ", text);
  const pid_t child = pdc::posix(fork(), "fork");
  if (child == 0) leave(0);
  wait_for(child);
  std::rewind(text);  // writes what is in the buffer
  std::string written(32, ' ');
  written.resize(std::fread(written.data(), 1, written.size(), text));
  std::fclose(text);
  return written;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"children", 4, "children to start", {2, 64}}});
  const int children = program.integer("children");

  const pid_t early = pdc::posix(fork(), "fork");
  if (early == 0) _exit(7);
  pdc::await_stop(early);  // returns at its end as well, and leaves the zombie
  const pdc::Shared<pdc::Gauge> in_loop, together;  // who is at work
  int as_planned = program.scene("one by one", start_and_wait_in_one_loop, children, *in_loop);
  as_planned += program.scene("all at once", start_all_then_wait, children, *together);
  const std::string by_exit = write_text(std::exit), at_once = write_text(_exit);

  pdc::check(in_loop->most() == 1, "started and waited for in one loop, one child works at a time",
             "{} of {}", in_loop->most(), children);
  pdc::check(together->most() == children, "started before any is waited for, all work at once",
             "{} of {}", together->most(), children);
  pdc::check(as_planned == 2 * children,
             "the parent is told how each child ended, by its status or by its signal", "{} of {}",
             as_planned, 2 * children);
  pdc::require(is_zombie(early),
               "a child that has ended is a zombie until its parent waits for it");
  const pdc::Exit end = wait_for(early);
  pdc::check(end.status == 7 && !is_zombie(early),
             "a zombie keeps its status, and is gone when that has been told", "{}", end.text());
  pdc::check(by_exit == "once once ", "a copy that leaves by exit writes its parent's text again",
             "{}", by_exit);
  pdc::check(at_once == "once ", "a copy that leaves by _exit writes nothing of its parent's", "{}",
             at_once);
  return program.finish();
}
