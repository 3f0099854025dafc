// SPDX-License-Identifier: MIT
#include "run/inherited.hpp"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "run/run.hpp"

namespace pdc::detail {
namespace {

/// Opens /dev/null for each of the three that is closed, or what is opened next would take its place.
void occupy_standard_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    if (descriptor == STDOUT_FILENO) run().output_closed = true;
    open("/dev/null", O_RDWR);  // takes the lowest free number: this one
  }
}

/// Both survive exec. Who ignores SIGHUP, SIGINT or SIGQUIT means it: nohup, jobs in the background.
void reset_signals() {
  for (const int number : {SIGCHLD, SIGPIPE, SIGTERM}) signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace

void reset_inherited() {
  occupy_standard_descriptors();
  reset_signals();
}

}  // namespace pdc::detail
