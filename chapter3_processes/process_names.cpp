// Process names: give a process a name that ps and top show.
//
// Concept   A child of fork is born with its parent's name, so in a list they all look alike. Each
//           process may give itself another: its main thread's, of at most 15 bytes. What is longer
//           is cut without a word, and names that differ at the end become the same.
// Shows     prctl with PR_SET_NAME, /proc/PID/comm, /proc/PID/cmdline
// Python    multiprocessing.Process(name=...)
// Run       process_names --children 3
// You see   children with their parent's name, with their own, and with names that are too long
// Next      thread_names does it for threads; kill_process finds one and ends it

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace {

constexpr const char* fifteen_bytes = "image converter";

struct Pipe : pdc::Pipe {
  void wait_for_end() {  // of the stream: until the last write end is closed
    write_end.close();
    char nothing;
    pdc::posix(read(read_end.get(), &nothing, 1), "read");
  }
};

/// What the kernel keeps of a process: "comm" is its name, "cmdline" the words it was started with.
std::string read_of(pid_t process, const char* what) {
  std::ifstream file(fmt::format("/proc/{}/{}", process, what));
  std::string text;
  std::getline(file, text);
  return text;
}

/// Wrong on purpose: the process goes by the name that it was born with.
void keep_name(const std::string&) {}

void take_name(const std::string& name) {
  pdc::posix(prctl(PR_SET_NAME, name.c_str()), "prctl");  // a success for a name too long, too
}

struct Roll {
  int own = 0, of_parent = 0, cut = 0;  // names
  int commands = 0, ended = 0;          // command lines of the parent, good ends
};

Roll read_names(const std::vector<pdc::Child>& workers, const char* stem) {
  Roll roll;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const std::string name = read_of(workers[i].pid(), "comm");
    pdc::say("process {}: {}", workers[i].pid(), name);
    roll.own += name == fmt::format("{} {}", stem, i) ? 1 : 0;
    roll.of_parent += name == read_of(getpid(), "comm") ? 1 : 0;
    roll.cut += name == fifteen_bytes ? 1 : 0;
    roll.commands += read_of(workers[i].pid(), "cmdline") == read_of(getpid(), "cmdline") ? 1 : 0;
  }
  return roll;
}

/// Asks the kernel while the children live: with the process its name goes, too.
Roll call_roll(int children, const char* stem, void (*introduce)(const std::string&)) {
  Pipe all_named, all_called;
  const pdc::Lane parent("parent");
  std::vector<pdc::Child> workers;
  for (int i = 0; i < children; ++i) {
    workers.emplace_back([&, i, lane = pdc::Lane("child {}", i)] {
      auto work = lane.work("begins");
      introduce(fmt::format("{} {}", stem, i));
      work.rename("{}", read_of(getpid(), "comm"));
      all_named.write_end.close();
      all_called.wait_for_end();
    });
  }
  auto wait = parent.wait("their names");
  all_named.wait_for_end();
  wait.end();
  const auto work = parent.work("calls the roll");
  Roll roll = read_names(workers, stem);
  all_called.write_end.close();
  for (pdc::Child& child : workers) roll.ended += child.wait().good() ? 1 : 0;
  return roll;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"children", 3, "processes to tell apart", {2, 64}}});
  const int children = program.integer("children");
  const Roll born = program.scene("the name of birth", call_roll, children, "child", keep_name);
  const Roll named = program.scene("a name of their own", call_roll, children, "child", take_name);
  const Roll cut = program.scene("too long", call_roll, children, fifteen_bytes, take_name);

  pdc::check(born.of_parent == children, "those without a name of their own have their parent's",
             "{} of {}", born.of_parent, children);
  pdc::check(named.own == children, "the kernel has the name that each one took", "{} of {}",
             named.own, children);
  pdc::check(named.commands == children, "the command line is still their parent's", "{} of {}",
             named.commands, children);
  pdc::check(cut.cut == children,
             "what is longer than 15 bytes is cut, and all are called the same", "{} of {}",
             cut.cut, children);
  const int ended = born.ended + named.ended + cut.ended;
  pdc::check(ended == 3 * children, "all of them ended well", "{} of {}", ended, 3 * children);
  return program.finish();
}
