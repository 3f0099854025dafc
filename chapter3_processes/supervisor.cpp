// Supervisor: start a service again when it dies, after ever longer pauses, and give up in the end.
//
// Concept   A service that dies is started again. One that cannot start dies at once, each time: so
//           each pause is twice as long as the one before, and after so many deaths within so much
//           time it is given up. One that ran well comes back after the short pause.
// Shows     sigprocmask, sigwaitinfo, SIGCHLD, SIGTERM, kill, pdc::Child
// Python    supervisord, and systemd's Restart= and StartLimitBurst=
// Run       supervisor --starts 20
// You see   20 starts without a pause; five after growing pauses, and no more; a service that recovers
// Next      daemon has nobody who starts it again; process_pool gives up a task that kills

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace {

using Rule = std::function<std::optional<int>(int began, int now)>;  // all times are in seconds

/// Right: how long to wait before the next start, when the service began and has died at these
/// times; nothing: it is given up. Knows no process and no clock.
class GrowingPauses {
 public:
  std::optional<int> operator()(int began, int now) {
    if (now - began >= well) pause_ = shortest;
    std::erase_if(deaths_, [&](int death) { return death <= now - window; });
    deaths_.push_back(now);
    if (deaths_.size() == most) return {};
    const int pause = pause_;
    pause_ = std::min(2 * pause_, longest);
    return pause;
  }

 private:
  static constexpr int shortest = 1, longest = 16, well = 20, most = 5, window = 60;
  int pause_ = shortest;
  std::vector<int> deaths_;  // within the window
};

/// Wrong on purpose: at once, for ever.
std::optional<int> start_at_once(int, int) {
  return 0;
}

/// In shared memory. The clock is the page's own: it is set, and nobody waits for it.
struct Log {
  const int most;  // starts, before the page ends the scene
  int now = 0, starts = 0;
  std::array<int, 100> began = {};  // when each start was
  pdc::Exit last = {};
  auto times() const { return std::vector(began.begin(), began.begin() + starts); }
};

void pass(Log& log, int seconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(seconds));  // plays it for the picture
  log.now += seconds;
}

using Service = int (*)(Log& log, const pdc::Descriptor& up);  // returns its exit status

/// Starts the service, and again after each death, until it is asked to end, or gives up.
void supervise(Log& log, Rule rule, Service service, const pdc::Descriptor& up) {
  const pdc::Lane lane("supervisor"), service_lane("service");
  sigset_t news;
  sigemptyset(&news);
  struct sigaction ends_only = {};
  ends_only.sa_flags = SA_NOCLDSTOP;  // else a stop would be SIGCHLD, too
  pdc::posix(sigaction(SIGCHLD, &ends_only, nullptr), "sigaction");
  sigaddset(&news, SIGCHLD);                                          // the service has ended
  sigaddset(&news, SIGTERM);                                          // all shall end
  pdc::posix(sigprocmask(SIG_BLOCK, &news, nullptr), "sigprocmask");  // kept until asked for
  while (log.starts < log.most) {
    const int began = log.now;
    log.began[log.starts++] = began;
    pdc::Child child([&] {
      sigprocmask(SIG_UNBLOCK, &news, nullptr);  // it has inherited that, and has to hear SIGTERM
      auto work = service_lane.work("start {}", log.starts);
      const int status = service(log, up);
      work.end();
      _exit(status);
    });
    int signal = -1;
    while (signal == -1) signal = sigwaitinfo(&news, nullptr);  // -1: EINTR
    if (signal == SIGTERM) kill(child.pid(), SIGTERM);
    log.last = child.wait();
    if (signal == SIGTERM) return;
    const std::optional<int> pause = rule(began, log.now);
    if (!pause) pdc::fault("given up");
    if (!pause) _exit(1);  // tells whoever has started it
    const auto wait = lane.wait("{} s", *pause);
    pass(log, *pause);
  }
}

/// Fails six times after 15 seconds, then after 20, and is well from then on.
int recover(Log& log, const pdc::Descriptor& up) {
  if (log.starts < 8) pass(log, log.starts < 7 ? 15 : 20);
  if (log.starts < 8) return 1;
  pdc::posix(write(up.get(), "w", 1), "write");  // says that it is well
  while (true) pause();
}

/// Asks the supervisor to end when the service is well, if it ever is.
pdc::Exit run(Log& log, const Rule& rule, Service service) {
  pdc::Pipe up;
  pdc::Child supervisor([&] { supervise(log, rule, service, up.write_end); });
  up.write_end.close();
  char well = 0;
  while (read(up.read_end.get(), &well, 1) == -1) continue;  // EINTR
  if (well == 'w') kill(supervisor.pid(), SIGTERM);
  return supervisor.wait();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"starts", 20, "before the page ends it", {8, 100}}});
  const int starts = program.integer("starts");
  const pdc::Shared<Log> hasty(starts), patient(starts), healed(starts);
  const auto fail = [](Log&, const pdc::Descriptor&) { return 1; };  // at once
  const GrowingPauses rule;
  program.scene("at once, for ever", run, *hasty, start_at_once, fail);
  const auto given_up = program.scene("after growing pauses", run, *patient, rule, fail);
  const auto end = program.scene("a service that recovers", run, *healed, rule, recover);

  pdc::check(hasty->starts == starts && hasty->now == 0,
             "at once, a service that cannot start is started again and again without a pause",
             "{} starts, {} s of pauses", hasty->starts, hasty->now);
  pdc::check(patient->times() == std::vector{0, 1, 3, 7, 15} && given_up.status == 1,
             "with growing pauses it is started five times, and given up with a failure",
             "at {} s, {}", pdc::join(patient->times()), given_up.text());
  pdc::check(healed->times() == std::vector{0, 16, 33, 52, 75, 106, 137, 158},
             "one that runs for a while waits 16 s at most, and 1 s when it has run well",
             "at {} s", pdc::join(healed->times()));
  pdc::check(healed->last.signal == SIGTERM && end.good(),
             "asked to end, the supervisor ends its service, and then itself", "{}",
             healed->last.text());
  return program.finish();
}
