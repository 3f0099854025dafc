// Kill process: ask a process to end, and force it when it does not.
//
// Concept   SIGTERM asks: a process may catch it and clean up, or ignore it. SIGKILL it can neither
//           catch nor ignore, so it cleans up nothing. So ask, wait for a limited time, then force.
// Shows     kill, pidfd_open, pidfd_send_signal, poll, sigwaitinfo, signal
// Python    Process.terminate, Process.kill, Process.join(timeout)
// Run       kill_process --limit 60
// You see   a child killed at once, which leaves things open; the same child asked, which cleans
//           up; and a deaf one, which has to be killed when its time is over
// Next      background_processes end with their parent; process_lock outlives a killed owner

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

namespace {

/// A descriptor of a process. Its number may be given to another process once it has been waited
/// for; this stays bound to the one. Open it first, then send.
pdc::Descriptor open_process(pid_t process) {
  const auto number = pdc::posix(syscall(SYS_pidfd_open, process, 0), "pidfd_open");
  return pdc::Descriptor(static_cast<int>(number));
}

void send(const pdc::Descriptor& to, int signal) {
  pdc::posix(syscall(SYS_pidfd_send_signal, to.get(), signal, nullptr, 0), "pidfd_send_signal");
}

/// Whether it ends within so many milliseconds: then its descriptor is readable.
bool ends_within(const pdc::Descriptor& process, int limit) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit);
  for (;;) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd ended{process.get(), POLLIN, 0};
    const int ready = poll(&ended, 1, std::max(0, static_cast<int>(left.count())));
    if (ready != -1) return ready == 1;
    if (errno != EINTR) pdc::throw_errno("poll");  // else a signal came for this process
  }
}

/// What a child and its parent share.
struct Job {
  pdc::Meeting clean_up{2};
  int open = 0;  // what the child has begun and not put away
};

/// Right: who listens can clean up, who does not ends all the same. Whether it had to be forced.
bool ask_then_force(const pdc::Descriptor& process, int limit, Job& job, const pdc::Lane& lane) {
  auto request = lane.send("SIGTERM");
  send(process, SIGTERM);
  request.end();
  const auto wait = job.clean_up.wait_outside(lane, "{} ms at most", limit);
  if (ends_within(process, limit)) return false;
  send(process, SIGKILL);
  return true;
}

/// Wrong on purpose: no process gets the chance to clean up.
bool force_at_once(const pdc::Descriptor& process, int, Job&, const pdc::Lane& lane) {
  const auto force = lane.send("SIGKILL");
  send(process, SIGKILL);
  return false;
}

void live_politely(Job& job, const pdc::Lane& lane) {
  sigset_t requests;
  sigemptyset(&requests);
  sigaddset(&requests, SIGTERM);
  pdc::posix(sigprocmask(SIG_BLOCK, &requests, nullptr), "sigprocmask");  // kept for the wait below
  auto work = lane.work("works");
  ++job.open;
  raise(SIGSTOP);  // says that it is ready
  work.end();
  auto receive = lane.receive("SIGTERM");
  while (sigwaitinfo(&requests, nullptr) == -1 && errno == EINTR) continue;
  receive.end();
  const auto clean = lane.work("cleans up");
  job.clean_up.meet();  // forced: it is not done before its parent waits for it
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // plays the putting away
  --job.open;
}

void live_deaf(Job& job, const pdc::Lane& lane) {
  signal(SIGTERM, SIG_IGN);
  const auto work = lane.work("works");
  ++job.open;
  raise(SIGSTOP);
  while (true) pause();  // plays work without an end
}

struct Ending {
  pdc::Exit exit;
  bool forced;  // its time was over
  int open;
};

Ending end_child(void (*live)(Job&, const pdc::Lane&), decltype(ask_then_force) stop, int limit) {
  const pdc::Lane parent("parent");
  const pdc::Shared<Job> job;
  pdc::Child child([&, lane = pdc::Lane("child")] { live(*job, lane); });
  const pdc::Descriptor process = open_process(child.pid());
  pdc::await_stop(child.pid());  // it is ready
  send(process, SIGCONT);
  const bool forced = stop(process, limit, *job, parent);
  const auto wait = job->clean_up.wait_outside(parent, "its end");
  const pdc::Exit exit = child.wait();
  if (job->open != 0) pdc::fault("left open");
  return {exit, forced, job->open};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"limit", 60, "ms until the deaf child is killed", {0, 2000}}});
  constexpr int patience = 20'000;  // ms; costs nothing with a child that listens
  const int limit = program.integer("limit");

  const Ending at_once =
      program.scene("killed at once", end_child, live_politely, force_at_once, patience);
  const Ending polite = program.scene("asked", end_child, live_politely, ask_then_force, patience);
  const Ending deaf =
      program.scene("asked, then killed", end_child, live_deaf, ask_then_force, limit);

  pdc::check(at_once.exit.signal == SIGKILL && at_once.open == 1,
             "a child that is killed at once leaves open what it had begun", "{}",
             at_once.exit.text());
  pdc::check(polite.exit.good() && polite.open == 0,
             "a child that listens cleans up when it is asked, and ends by itself", "{}",
             polite.exit.text());
  pdc::check(deaf.forced && deaf.exit.signal == SIGKILL && deaf.open == 1,
             "a child that ignores the request is killed when its time is over", "{}",
             deaf.exit.text());
  return program.finish();
}
