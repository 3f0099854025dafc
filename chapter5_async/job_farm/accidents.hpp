// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"

#include "pdc/sibling.hpp"
#include "pdc/timeline.hpp"

#include <signal.h>

#include <list>
#include <map>
#include <string>
#include <vector>

/// Workers that the coordinator starts itself, and what it does to two of them.
namespace job_farm {

struct Team {
  std::list<pdc::Sibling> workers;
  std::map<std::string, pid_t> pids;

  void start(int count, const std::vector<std::string>& arguments) {
    for (int i = 0; i < count; ++i) {
      const std::string name = fmt::format("worker {}", i);
      std::vector<std::string> words{"--quiet", "--name", name};
      words.insert(words.end(), arguments.begin(), arguments.end());
      pids[name] = workers.emplace_back("worker", words).pid();
    }
  }

  /// Waits for their ends; who came too late is told to. How many ended with a fault of their own.
  int wait(const Desk& desk) {
    for (const auto& [name, pid] : pids) {
      if (!desk.has_met(name)) ::kill(pid, SIGTERM);
    }
    int failed = 0;
    for (pdc::Sibling& worker : workers) failed += worker.wait().status != 0 ? 1 : 0;
    return failed;
  }
};

/// Accidents that are forced: a task's first heartbeat says that its worker is in mid-task, and its
/// result is held back, so it stays there. That worker is killed, or it is stopped until another
/// one has done its task.
struct Accidents {
  static constexpr int none = -1;
  int kill = none, stop = none;        // tasks
  std::map<int, std::string> victims;  // of which task, and who

  void force(Desk& desk, const Team& team) {
    desk.held_back = {kill, stop};
    desk.held_back.erase(none);
    desk.events.beat = [&](Guest& guest, int task) {
      if (task == kill) hit(guest, task, team, SIGKILL);
      if (task == stop && desk.farm[task].state != Farm::State::done)
        hit(guest, task, team, SIGSTOP);
    };
    desk.events.done = [&](int task) {
      if (task != stop) return;
      if (victims.contains(task)) {
        pdc::say("task {} is done, {} goes on", task, victims[task]);
        pdc::mark(fmt::format("{} goes on", victims[task]));
        ::kill(team.pids.at(victims[task]), SIGCONT);
      }
      desk.release(task);
    };
    desk.events.awaits_more = [&] {
      return (kill != none && !victims.contains(kill)) ||
             (stop != none && desk.farm.counts().twice == 0);
    };
  }

 private:
  void hit(Guest& guest, int task, const Team& team, int signal) {
    const auto pid = team.pids.find(guest.name);
    if (pid == team.pids.end() || !victims.emplace(task, guest.name).second) return;  // once
    const char* what = signal == SIGKILL ? "killed" : "stopped";
    pdc::say("{} is {}, with task {} in hand", guest.name, what, task);
    pdc::fault(fmt::format("{} is {}", guest.name, what));
    guest.bar.reset();
    if (signal == SIGSTOP) guest.bar.emplace(guest.lane->wait("stopped"));
    ::kill(pid->second, signal);
  }
};

}  // namespace job_farm
