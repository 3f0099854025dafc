// Reaping: one signal may stand for many deaths, so ask for every child.
//
// Concept   A parent that goes on with its work hears of its children's ends by SIGCHLD. While one
//           such signal waits, no other is kept, so it may stand for several deaths. It says that
//           there is something to ask: for each child of one's own, without blocking.
// Shows     waitpid, WNOHANG, WIFEXITED, WEXITSTATUS, sigprocmask, sigtimedwait, /proc/PID/stat
// Python    os.waitpid(pid, os.WNOHANG), signal.SIGCHLD
// Run       reaping --workers 3
// You see   three deaths and one signal; waiting for the child that it names leaves two zombies,
//           and asking for every child leaves none
// Next      process_class owns its child; signals reads signals from a descriptor

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Worker {
  pid_t id;
  pdc::Lane lane;
  std::optional<pdc::Span> zombie = {};  // from its end until its parent has waited for it
  std::optional<int> status = {};
};
using Workers = std::vector<Worker>;

constexpr int done = 10;     // the status of one that has done its work
constexpr int unknown = -1;  // of one that somebody else has waited for

/// Waits for it if it has ended, and only once: its id may soon be that of another process.
void reap(Worker& worker) {
  if (worker.status) return;
  int state = 0;
  const pid_t ended = waitpid(worker.id, &state, WNOHANG);
  if (ended == 0) return;  // it lives
  const int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  worker.status = ended == -1 ? unknown : status;
  worker.zombie.reset();
}

/// Wrong on purpose: as if each death had a signal of its own.
void reap_named(Workers& workers, pid_t named) {
  for (Worker& worker : workers)
    if (worker.id == named) reap(worker);
}

void reap_all(Workers& workers, pid_t) {
  for (Worker& worker : workers) reap(worker);
}

Worker start(int i) {
  const pid_t parent = getpid();
  const pdc::Lane lane("worker {}", i);
  const pid_t child = pdc::posix(fork(), "fork");
  if (child != 0) return {child, lane};
  pdc::die_with(parent);
  auto work = lane.work("works");
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays it
  work.end();
  _exit(done);
}

/// As the kernel says: after the name in brackets come the state and the parent.
bool is_zombie(const Worker& worker) {
  std::ifstream file("/proc/" + std::to_string(worker.id) + "/stat");
  std::string words;
  std::getline(file, words, '\0');
  words.erase(0, words.rfind(')') + 1);  // for the name may be any
  return words.starts_with(" Z " + std::to_string(getpid()) + " ");
}

struct Seen {
  std::ptrdiff_t signals = 0, told = 0, zombies = 0;
  int stranger = 0;  // the status with which it has ended
};
using Reap = decltype(reap_all);

/// A process that works, and hears of its children's ends when it has the time.
void serve(int count, Seen& seen, Reap reap_some, const pdc::Lane& lane) {
  const pid_t stranger = pdc::posix(fork(), "fork");  // of a library, which will wait for it
  if (stranger == 0) _exit(done);
  pdc::await_stop(stranger);  // returns at its end as well, and leaves the zombie
  sigset_t deaths;
  sigemptyset(&deaths);
  sigaddset(&deaths, SIGCHLD);
  pdc::posix(sigprocmask(SIG_BLOCK, &deaths, nullptr), "sigprocmask");
  Workers workers;
  for (int i = 0; i < count; ++i) workers.push_back(start(i));

  const auto work = lane.work("works");
  for (Worker& worker : workers) {
    pdc::await_stop(worker.id);  // forced: all have ended before it hears of any
    worker.zombie.emplace(worker.lane.wait("zombie"));
  }
  siginfo_t news = {};
  const timespec no_time = {};
  while (sigtimedwait(&deaths, &news, &no_time) == SIGCHLD) {
    ++seen.signals;
    reap_some(workers, news.si_pid);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays more of its work
  seen.told = std::ranges::count(workers, done, &Worker::status);
  seen.zombies = std::ranges::count_if(workers, is_zombie);
  if (seen.zombies > 0) pdc::fault("still zombies");
  reap_all(workers, 0);  // what has been left
  siginfo_t end = {};
  waitid(P_PID, static_cast<id_t>(stranger), &end, WEXITED | WNOHANG);
  seen.stranger = end.si_status;
}

void run_server(int count, Seen& seen, Reap reap_some) {
  pdc::Child([&, lane = pdc::Lane("server")] { serve(count, seen, reap_some, lane); }).wait();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "children that end together", {2, 64}}});
  const int all = program.integer("workers");
  const pdc::Shared<Seen> named, asked;

  program.scene("the one that the signal names", run_server, all, *named, reap_named);
  program.scene("every one", run_server, all, *asked, reap_all);

  pdc::check(named->signals == 1 && asked->signals == 1,
             "children that end while SIGCHLD is blocked make one signal", "{} for {}",
             asked->signals, all);
  pdc::check(named->told == 1 && named->zombies == all - 1,
             "one waitpid for each signal leaves all other children zombies", "{} of {}",
             named->zombies, all);
  pdc::check(asked->told == all && asked->zombies == 0, "asking for every child leaves no zombie",
             "{} of {}", asked->zombies, all);
  pdc::check(named->stranger == done && asked->stranger == done,
             "a child that a library started is left for the library to wait for");
  return program.finish();
}
