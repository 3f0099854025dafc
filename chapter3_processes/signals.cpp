// Signals: a handler may do almost nothing, so let signals become data.
//
// Concept   A handler interrupts its own thread anywhere, even where that holds a lock: a handler
//           that waits for this lock waits for ever. So it does next to nothing: it writes a byte
//           to a pipe. Or there is none: signals that are blocked are read from a descriptor.
// Shows     sigaction, sigprocmask, signalfd, sigqueue, write, read
// Python    signal.signal, signal.set_wakeup_fd, signal.sigwaitinfo, signal.pidfd_send_signal
// Run       signals --signals 5
// You see   a handler that wants the lock of its own thread; one that writes a byte; and signals
//           that are read: of 5 equal ones 1 arrives, of 5 real-time ones all, with their values
// Next      separate_memory has more about read and write; process_lock outlives a killed owner

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <mutex>

namespace {

constexpr int most = 64;             // signals of one kind
const int real_time = SIGRTMIN + 1;  // pdc::Program has the first one for its deadline

/// In shared memory: what a child has heard, behind a lock that a handler may try.
struct Log {
  bool try_lock() { return !taken.test_and_set(); }
  void unlock() { taken.clear(); }

  std::atomic_flag taken;
  std::atomic<int> standard = 0, in_order = 0, in_vain = 0;
  std::atomic<bool> sent = false;
};

void add(Log& log, int signal, int value = 0) {
  if (!log.try_lock()) {
    ++log.in_vain;  // its owner goes on when this has returned: to wait for it is to wait for ever
    return;
  }
  if (signal == SIGUSR1) ++log.standard;
  if (signal == real_time && value == log.in_order + 1) ++log.in_order;
  log.unlock();
}

std::atomic<Log*> log_of_handler = nullptr;  // a handler is told the signal; all else is global,
std::atomic<int> pipe_of_handler = -1;       // and lock-free

/// Wrong on purpose: the thread that it has interrupted may hold the lock.
void add_in_handler(int signal) {
  add(*log_of_handler, signal);
}

void write_in_handler(int signal) {
  const int error = errno;  // of the code that it has interrupted
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const auto written = write(pipe_of_handler, &byte, 1);  // full: equal ones wait
  errno = error;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;  // or a call that the handler interrupts fails with EINTR
  pdc::posix(sigaction(signal, &action, nullptr), "sigaction");
}

void work(Log& log, const pdc::Lane& lane) {
  const std::unique_lock lock(log, std::try_to_lock);
  const auto hold = lane.hold("lock");
  while (!log.sent) raise(SIGSTOP);  // forced: signals come while it holds the lock
  if (log.in_vain > 0) pdc::fault("would wait for ever");
}

void live_with_lock_in_handler(Log& log, const pdc::Lane& lane) {
  log_of_handler = &log;
  handle(SIGUSR1, add_in_handler);
  work(log, lane);
}

void live_with_pipe(Log& log, const pdc::Lane& lane) {
  const pdc::Pipe pipe;
  pipe_of_handler = pipe.write_end.get();
  pdc::posix(fcntl(pipe_of_handler, F_SETFL, O_NONBLOCK), "fcntl");  // a handler must not wait
  handle(SIGUSR1, write_in_handler);
  work(log, lane);
  const auto receive = lane.receive("signals");
  unsigned char signal = 0;
  if (pdc::posix(read(pipe.read_end.get(), &signal, 1), "read") == 1) add(log, signal);
}

void live_with_descriptor(Log& log, const pdc::Lane& lane) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int each : {SIGUSR1, real_time}) sigaddset(&signals, each);
  pdc::posix(sigprocmask(SIG_BLOCK, &signals, nullptr), "sigprocmask");  // no handler, no default
  const pdc::Descriptor file(pdc::posix(signalfd(-1, &signals, SFD_CLOEXEC), "signalfd"));
  work(log, lane);
  const auto receive = lane.receive("signals");
  std::array<signalfd_siginfo, 2 * most> news;  // as many as there are in one read
  const ssize_t bytes = pdc::posix(read(file.get(), news.data(), sizeof news), "read");
  const auto end = news.begin() + bytes / static_cast<ssize_t>(sizeof news[0]);
  for (auto each = news.begin(); each != end; ++each)
    add(log, static_cast<int>(each->ssi_signo), each->ssi_int);
}

using Live = void (*)(Log&, const pdc::Lane&);

/// Sends so many signals of each kind while the child holds the lock.
void interrupt(Log& log, Live live, int standard, int queued) {
  pdc::Child child([&, lane = pdc::Lane("child")] { live(log, lane); });
  pdc::await_stop(child.pid());
  auto send = pdc::Lane("parent").send("signals");
  for (int i = 0; i < standard; ++i) pdc::posix(kill(child.pid(), SIGUSR1), "kill");
  for (int i = 1; i <= queued; ++i)
    pdc::posix(sigqueue(child.pid(), real_time, sigval{.sival_int = i}), "sigqueue");
  send.end();
  log.sent = true;
  pdc::await_stop(child.pid());  // if somebody else's SIGCONT has let it look before
  pdc::posix(kill(child.pid(), SIGCONT), "kill");
  child.wait();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"signals", 5, "signals of each kind", {2, most}}});
  const int all = program.integer("signals");
  const pdc::Shared<Log> locking, writing, none;

  program.scene("a handler that locks", interrupt, *locking, live_with_lock_in_handler, 1, 0);
  program.scene("a handler that writes a byte", interrupt, *writing, live_with_pipe, 1, 0);
  program.scene("no handler", interrupt, *none, live_with_descriptor, all, all);

  pdc::check(locking->in_vain == 1 && locking->standard == 0,
             "a handler that wants the lock of its own thread would wait for ever");
  pdc::check(writing->in_vain == 0 && writing->standard == 1,
             "a signal that comes out of a pipe finds the lock free");
  pdc::check(none->standard == 1, "of equal standard signals that wait, one arrives", "{} of {}",
             none->standard.load(), all);
  pdc::check(none->in_order == all, "all real-time signals arrive, in order, with their values",
             "{} of {}", none->in_order.load(), all);
  return program.finish();
}
