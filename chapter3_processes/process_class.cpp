// Process class: a type that owns its child, so that no child outlives its owner.
//
// Concept   A child goes on when the function that started it returns or is left by an exception:
//           nobody ends it, nobody waits for it. An object that owns its child asks it to stop and
//           waits for it in its destructor, in whatever way its scope is left.
// Shows     fork, _exit, eventfd, waitpid, kill
// Python    class MyProcess(multiprocessing.Process)
// Run       process_class --workers 3
// You see   children that go on without an owner; owned ones, which finish their job and end
// Next      kill_process ends those that do not listen; process_pool gives many of them jobs

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <list>
#include <thread>
#include <vector>

namespace {

/// Wrong on purpose: it starts a child, and then nobody is in charge of that.
struct Started {
  explicit Started(const auto& run) {
    const pid_t parent = getpid();
    child = pdc::posix(fork(), "fork");
    if (child != 0) return;
    pdc::die_with(parent);
    [&]() noexcept { run(stop); }();  // an exception ends here, not in a copy of the parent's code
    _exit(0);                         // nor are copies of the parent's objects destroyed
  }
  pdc::Descriptor stop{pdc::posix(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")};
  pid_t child;
};

/// The same with a destructor: asks its child to stop, and waits for it.
struct Owned : Started {
  using Started::Started;
  Owned(const Owned&) = delete;  // one child, one owner
  ~Owned() {
    eventfd_write(stop.get(), 1);
    while (waitpid(child, nullptr, 0) == -1 && errno == EINTR) continue;
  }
};

struct Trouble {};  // what an exception is about does not matter here

struct Site {
  std::vector<pid_t> children;
  pdc::Shared<std::atomic<int>> begun, finished;  // jobs
};

bool is_asked_to_stop(const pdc::Descriptor& stop) {
  eventfd_t requests;
  return eventfd_read(stop.get(), &requests) == 0;  // does not wait for one
}

void do_jobs(const Site& site, const pdc::Descriptor& stop, const pdc::Lane& lane) {
  for (int job = 0; !is_asked_to_stop(stop); ++job) {
    const auto work = lane.work("job {}", job);
    ++*site.begun;
    if (job == 1) raise(SIGSTOP);  // forced: it is in the middle of this one
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the job
    ++*site.finished;
  }
}

/// Leaves its scope in the middle of the children's jobs, by an exception or not.
template <class Worker>
void lead(Site& site, int workers, bool fails) {
  std::list<Worker> team;
  for (int i = 0; i < workers; ++i) {
    const pdc::Lane lane("worker {}", i);
    team.emplace_back([&](const pdc::Descriptor& stop) { do_jobs(site, stop, lane); });
    site.children.push_back(team.back().child);
  }
  for (const pid_t child : site.children) pdc::await_stop(child);  // in the middle of a job
  for (const pid_t child : site.children) kill(child, SIGCONT);
  pdc::mark(fails ? "exception" : "return");
  if (fails) throw Trouble{};
}  // here their owners go

struct Left {
  int alive = 0, zombies = 0;   // children that nobody has waited for
  int begun = 0, finished = 0;  // jobs
};

/// What is left behind when the function has been left. Ends it.
Left look_behind(void (*lead_workers)(Site&, int, bool), int workers, bool fails) {
  Site site;
  try {
    lead_workers(site, workers, fails);
  } catch (const Trouble&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(12));  // plays the rest of the program
  }
  Left left;
  for (const pid_t child : site.children) {
    const pid_t ended = waitpid(child, nullptr, WNOHANG);
    if (ended == child) ++left.zombies;
    if (ended != 0) continue;  // with -1 its owner has waited for it
    ++left.alive;
    pdc::posix(kill(child, SIGKILL), "kill");
    pdc::posix(waitpid(child, nullptr, 0), "waitpid");
  }
  if (left.alive != 0) pdc::fault("killed");
  left.begun = *site.begun;
  left.finished = *site.finished;
  return left;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "child processes", {1, 64}}});
  const int workers = program.integer("workers");

  const Left lost = program.scene("without an owner", look_behind, lead<Started>, workers, true);
  const Left thrown = program.scene("owned, exception", look_behind, lead<Owned>, workers, true);
  const Left owned = program.scene("owned, return", look_behind, lead<Owned>, workers, false);

  pdc::check(lost.alive == workers, "without an owner, all children go on after the exception",
             "{} of {}", lost.alive, workers);
  pdc::check(thrown.alive + thrown.zombies == 0,
             "no child outlives its owner when an exception passes", "{} of {}",
             thrown.alive + thrown.zombies, workers);
  pdc::check(owned.alive + owned.zombies == 0, "no child outlives its owner when that returns",
             "{} of {}", owned.alive + owned.zombies, workers);
  const int begun = thrown.begun + owned.begun, finished = thrown.finished + owned.finished;
  pdc::check(finished == begun, "an owned child finishes the job that it has begun", "{} of {}",
             finished, begun);
  return program.finish();
}
