// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"

#include <signal.h>
#include <boost/interprocess/ipc/message_queue.hpp>

#include <string>

/// The name under which a message queue is made, or another piece of shared memory, for no longer
/// than that takes: it is gone at the end of this object's life, and also when this process is killed
/// before that, for a child watches it.
/// Requires: the name is nobody else's; children that are forked meanwhile end before this does, and
/// are waited for by their ids (pdc::next_to_end would take the child for a stranger).
/// Errors: std::system_error.
class BriefName {
 public:
  explicit BriefName(std::string name) : name_(std::move(name)), watch_(watch()) {
    life_.read_end.close();
  }
  ~BriefName() {
    remove();
    life_.write_end.close();  // the child has nothing more to do, and is waited for
  }
  BriefName(const BriefName&) = delete;
  BriefName& operator=(const BriefName&) = delete;

 private:
  void remove() const noexcept { boost::interprocess::message_queue::remove(name_.c_str()); }

  pid_t watch() {
    sigset_t all, usual;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &usual);  // the child keeps it: Ctrl-C comes to both
    const pid_t pid = fork();
    setpgid(pid, pid);  // in both, so that a SIGKILL to all of this group does not end it, too
    if (pid == 0) {
      life_.write_end.close();
      char none;
      while (read(life_.read_end.get(), &none, 1) > 0) {
      }  // until the other one ends
      remove();
      _exit(0);
    }
    sigprocmask(SIG_SETMASK, &usual, nullptr);
    return pdc::posix(pid, "fork");
  }

  std::string name_;
  pdc::Pipe life_;  // nothing is written to it
  pdc::Child watch_;
};
