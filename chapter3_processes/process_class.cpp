// Process class: a type that owns its child, so that no child outlives its owner.
//
// Concept   A child goes on when the function that started it returns or is left by an exception:
//           nobody ends it, nobody waits for it. An object that owns its child asks it to stop and
//           waits for it in its destructor, in whatever way its scope is left.
// Shows     fork, eventfd, waitpid with WUNTRACED and WNOHANG, kill, _exit
// Python    class MyProcess(multiprocessing.Process)
// Run       process_class --workers 3
// You see   children that go on without an owner; owned ones that finish their job and end with it
// Next      kill_process ends those that do not listen; process_pool gives many of them jobs

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
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
  ~Owned() {
    eventfd_write(stop.get(), 1);
    waitpid(child, nullptr, 0);
  }
};

struct Trouble {};  // what an exception is about does not matter here

struct Site {
  std::vector<pid_t> children;
  int busy = 0;                                   // children in the middle of a job
  pdc::Shared<std::atomic<int>> begun, finished;  // jobs
};

void do_jobs(const Site& site, const pdc::Descriptor& stop, const pdc::Lane& lane) {
  eventfd_t requests;
  for (int job = 0; eventfd_read(stop.get(), &requests) == -1; ++job) {  // none so far
    const auto work = lane.work("job {}", job);
    ++*site.begun;
    if (job == 1) raise(SIGSTOP);  // forced: it is in the middle of this one
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the job
    ++*site.finished;
  }
}

template <class Worker>
void lead(Site& site, int workers, bool fails) {
  std::list<Worker> team;
  site.children.clear();
  for (int i = 0; i < workers; ++i) {
    const pdc::Lane lane("worker {}", i);
    team.emplace_back([&](const pdc::Descriptor& stop) { do_jobs(site, stop, lane); });
    site.children.push_back(team.back().child);
  }
  for (int state = 0; const pid_t child : site.children) {
    waitpid(child, &state, WUNTRACED);
    site.busy += WIFSTOPPED(state) ? 1 : 0;
  }
  for (const pid_t child : site.children) kill(child, SIGCONT);
  pdc::mark(fails ? "exception" : "return");
  if (fails) throw Trouble{};
}  // here their owners go

/// How many live on when the function is left, by an exception or not. Ends them.
int survivors(void (*lead_workers)(Site&, int, bool), Site& site, int workers, bool fails) {
  try {
    lead_workers(site, workers, fails);
  } catch (const Trouble&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(12));  // plays the rest of the program
  }
  int alive = 0;
  for (const pid_t child : site.children) {
    if (waitpid(child, nullptr, WNOHANG) != 0) continue;  // -1: ended, and waited for
    alive += kill(child, SIGKILL) == 0 ? 1 : 0;
    waitpid(child, nullptr, 0);
  }
  return alive;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "child processes", {1, 64}}});
  const int workers = program.integer("workers");
  Site lost, kept;
  const int unowned = program.scene("without owner", survivors, lead<Started>, lost, workers, true);
  const int owned = program.scene("with owner", survivors, lead<Owned>, kept, workers, false);
  const int thrown = program.scene("with exception", survivors, lead<Owned>, kept, workers, true);

  pdc::check(unowned == workers, "without an owner all go on", "{} of {}", unowned, workers);
  pdc::check(owned == 0, "with one, none outlives its owner", "{} of {}", owned, workers);
  pdc::check(thrown == 0, "no child outlives its owner when an exception passes", "{} of {}",
             thrown, workers);
  const int begun = *kept.begun, finished = *kept.finished;
  pdc::check(finished == begun && kept.busy == 2 * workers,
             "each was in the middle of a job, and finished it", "{} of {}", finished, begun);
  return program.finish();
}
