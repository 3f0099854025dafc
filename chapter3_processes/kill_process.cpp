// Kill process: ask a process to end, and force it when it does not.
//
// Concept   SIGTERM asks: a process may catch it and clean up, or ignore it. SIGKILL it cannot. So
//           ask, wait for a limited time, then force. And a signal that was sent is not yet obeyed:
//           who looks right after it sees nothing; wait first, then look.
// Shows     kill, waitid, pidfd_open, poll, sigwaitinfo, signal
// Python    Process.terminate, Process.kill, Process.is_alive
// Run       kill_process --limit 60
// You see   who looks at once sees no end; a polite child cleans up, a deaf one has to be killed
// Next      background_processes end with their parent; process_lock outlives a killed owner

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace {

/// What has become of the child: CLD_STOPPED, CLD_KILLED, ... or 0. It stays to be waited for.
int look(const pdc::Child& child, int how) {
  siginfo_t news{};
  pdc::posix(waitid(P_PID, static_cast<id_t>(child.pid()), &news, how | WEXITED | WNOWAIT),
             "waitid");
  return news.si_code;
}

/// Is the child seen to have ended, by one who has just asked it to?
bool ask_and_look(bool waits_first) {
  const pdc::Lane parent("parent");
  const pdc::Child child([lane = pdc::Lane("child")] {
    const auto work = lane.work("works, then stops itself");
    raise(SIGSTOP);  // forced: who is stopped gets no SIGTERM before it is told to go on
  });
  look(child, WSTOPPED);  // waits until it has
  kill(child.pid(), SIGTERM);
  if (waits_first) {
    const auto wait = parent.wait("its end");
    kill(child.pid(), SIGCONT);
    look(child, 0);
  }
  const auto looks = parent.work("looks");
  const bool ended = look(child, WNOHANG) != 0;  // does not wait, as is_alive() does not
  kill(child.pid(), SIGCONT);
  return ended;
}  // ~Child waits here

struct Ending {
  pdc::Exit exit;
  bool forced;
  int open;  // what the child had begun and not put away
};

Ending stop(const char* name, void (*live)(int&, const pdc::Lane&), int limit) {
  const pdc::Lane parent("parent");
  const pdc::Shared<int> open;
  pdc::Child child([&, lane = pdc::Lane("{} child", name)] { live(*open, lane); });
  look(child, WSTOPPED);  // it says so that it is ready
  kill(child.pid(), SIGCONT);
  auto send = parent.send("SIGTERM");
  kill(child.pid(), SIGTERM);
  send.end();
  const auto wait = parent.wait("{} ms at most", limit);
  const auto process = pdc::posix(syscall(SYS_pidfd_open, child.pid(), 0), "pidfd_open");
  const pdc::Descriptor end(static_cast<int>(process));
  pollfd ended{end.get(), POLLIN, 0};  // readable when the process has ended
  const bool forced = pdc::posix(poll(&ended, 1, limit), "poll") == 0;  // the time is over
  if (forced) kill(child.pid(), SIGKILL);
  return {child.wait(), forced, *open};
}

void live_politely(int& open, const pdc::Lane& lane) {
  sigset_t requests;
  sigemptyset(&requests);
  sigaddset(&requests, SIGTERM);
  pdc::posix(sigprocmask(SIG_BLOCK, &requests, nullptr), "sigprocmask");  // kept for the wait below
  ++open;
  raise(SIGSTOP);
  auto receive = lane.receive("SIGTERM");
  sigwaitinfo(&requests, nullptr);
  receive.end();
  const auto work = lane.work("cleans up");
  std::this_thread::sleep_for(std::chrono::milliseconds(10));  // plays the putting away
  --open;
}

void live_deaf(int& open, const pdc::Lane& lane) {
  signal(SIGTERM, SIG_IGN);
  const auto work = lane.work("works");
  ++open;
  raise(SIGSTOP);
  while (true) pause();  // plays work without an end
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"limit", 60, "ms until the deaf child is killed", {0, 2000}}});
  constexpr int patience = 20'000;  // ms; costs nothing with a child that obeys
  const int limit = program.integer("limit");

  const bool at_once = program.scene("looking at once", ask_and_look, false);
  const bool waited = program.scene("waiting, then looking", ask_and_look, true);
  const Ending polite = program.scene("asked", stop, "polite", live_politely, patience);
  const Ending deaf = program.scene("asked, then killed", stop, "deaf", live_deaf, limit);

  pdc::check(!at_once, "who looks at once finds the child still there");
  pdc::check(waited, "who waits first finds that it has ended");
  pdc::check(polite.exit.good() && polite.open == 0, "the polite child cleaned up when asked", "{}",
             polite.exit.text());
  pdc::check(deaf.forced && deaf.exit.signal == SIGKILL && deaf.open == 1,
             "the deaf one was killed, and left things open", "{}", deaf.exit.text());
  return program.finish();
}
