// Process names: give a process a name that ps and top show.
//
// Concept   A child of fork is born with its parent's name, so in a list they all look alike. Each
//           process may give itself another. The kernel keeps 15 bytes of it and cuts off the rest
//           without a word: names that differ only at their end become one.
// Shows     prctl with PR_SET_NAME, /proc/PID/comm, /proc/PID/cmdline
// Python    multiprocessing.Process(name=...)
// Run       process_names --children 3
// You see   children with their parent's name; with long names that differ at the end, which become
//           one; with the same names turned round, which stay apart
// Next      thread_names does it for threads; kill_process ends one that does not listen

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kept = 15;  // bytes of a name, and a zero after them

/// Names the calling process: to be exact its calling thread, and ps and top show that of the main
/// thread. No error says that a name was too long.
void take_name(const std::string& name) {
  prctl(PR_SET_NAME, name.c_str());
}

/// What the kernel knows of a process: "comm" is its name, "cmdline" the words it was started with.
std::string read_of(pid_t process, const std::string& what) {
  std::ifstream file("/proc/" + std::to_string(process) + "/" + what);
  std::string text;
  std::getline(file, text);
  return text;
}

/// Wrong on purpose: it keeps the name that it was born with.
void keep_name(int) {}

/// Wrong on purpose: what differs stands after the fifteenth byte.
void take_number_last(int number) {
  take_name("image converter " + std::to_string(number));
}

void take_number_first(int number) {
  take_name(std::to_string(number) + " image converter");
}

/// Waits until every process has closed its write end, this one included.
void wait_until_closed(pdc::Pipe& pipe) {
  pipe.write_end.close();
  char nothing = 0;
  while (read(pipe.read_end.get(), &nothing, 1) == -1 && errno == EINTR) continue;
}

/// The names of the children, and their command lines, as the kernel has them.
struct Roll {
  std::vector<std::string> names, commands;
};

/// Asks the kernel while the children live: the name of a process goes with it.
Roll call_roll(int children, void (*introduce)(int)) {
  pdc::Pipe all_named, all_called;
  const pdc::Lane parent("parent");
  std::vector<pdc::Child> workers;
  for (int i = 0; i < children; ++i) {
    workers.emplace_back([&, i, lane = pdc::Lane("child {}", i)] {
      auto work = lane.work("begins");
      introduce(i);
      work.rename("{}", read_of(getpid(), "comm"));
      all_named.write_end.close();
      wait_until_closed(all_called);
    });
  }
  auto wait = parent.wait("their names");
  wait_until_closed(all_named);
  wait.end();
  const auto work = parent.work("calls the roll");
  Roll roll;
  for (const pdc::Child& worker : workers) {
    roll.names.push_back(read_of(worker.pid(), "comm"));
    roll.commands.push_back(read_of(worker.pid(), "cmdline"));
    pdc::say("process {}: {}", worker.pid(), roll.names.back());
  }
  all_called.write_end.close();
  return roll;
}  // ~Child waits here

std::size_t count_different(const std::vector<std::string>& names) {
  return std::set(names.begin(), names.end()).size();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"children", 3, "processes to tell apart", {2, 64}}});
  const int children = program.integer("children");
  const std::string name = read_of(getpid(), "comm");

  const Roll born = program.scene("the inherited name", call_roll, children, keep_name);
  const Roll last = program.scene("the number last", call_roll, children, take_number_last);
  const Roll first = program.scene("the number first", call_roll, children, take_number_first);

  const auto of_parent = std::ranges::count(born.names, name);
  pdc::check(of_parent == children, "a child that takes no name has its parent's", "{} of {}",
             of_parent, children);
  const auto cut = std::ranges::count(last.names, std::string("image converter"));
  pdc::check(cut == children, "names that differ after their 15th byte become one", "{} of {}", cut,
             children);
  const auto different = count_different(first.names);
  pdc::check(different == static_cast<std::size_t>(children),
             "names that differ at their beginning stay apart", "{} of {}", different, children);
  int whole = 0;
  for (int i = 0; i < children; ++i) {
    const std::string asked_for = std::to_string(i) + " image converter";
    if (first.names[static_cast<std::size_t>(i)] == asked_for.substr(0, kept)) ++whole;
  }
  pdc::check(whole == children, "a name that is too long keeps its first 15 bytes", "{} of {}",
             whole, children);
  const auto started = std::ranges::count(first.commands, read_of(getpid(), "cmdline"));
  pdc::check(started == children, "the command line of a child is still its parent's", "{} of {}",
             started, children);
  pdc::check(read_of(getpid(), "comm") == name, "the parent has the name that it had before");
  return program.finish();
}
