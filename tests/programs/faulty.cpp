// SPDX-License-Identifier: MIT
/// A program as the book's are, but with the faults that the file `faults` beside it lists, a line
/// each: the tests of programs have to find them.

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <thread>

#include "pdc/deadline.hpp"
#include "pdc/page.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

namespace {

using namespace std::chrono_literals;

const pdc::Page page("faulty", "tests",
                     "// Faulty: it stands for a program.\n//\n// Concept   a stand-in\n");

bool has(const std::string& fault) {
  static const std::set<std::string> faults = [] {
    std::ifstream file(std::filesystem::read_symlink("/proc/self/exe").replace_filename("faults"));
    std::set<std::string> found;
    for (std::string line; std::getline(file, line);) found.insert(line);
    return found;
  }();
  return faults.contains(fault);
}

[[noreturn]] void wait_for_ever() {
  while (true) pause();
}

/// A process that nobody ends: no pdc::Child, which dies with its parent.
void start_orphan() {
  if (pdc::posix(fork(), "fork") == 0) {
    execlp("sleep", "sleep", "20", nullptr);
    _exit(127);
  }
}

std::string shared_name(const std::string& suffix) {
  return "/faulty." + suffix;
}

void make_shared(const std::string& name, int flags = 0) {
  close(pdc::posix(shm_open(name.c_str(), O_CREAT | O_RDWR | flags, 0600), "shm_open"));
}

void be_faulty_at_first() {
  if (has("needs its environment")) pdc::check(std::getenv("LANG") != nullptr, "LANG is set");
  if (has("needs its folder"))
    pdc::check(std::filesystem::current_path() != "/", "it is not started in /");
  if (has("ignores SIGTERM")) signal(SIGTERM, SIG_IGN);
  if (has("ends with 1 by SIGTERM")) signal(SIGTERM, [](int) { _exit(1); });
  if (has("leaves a file")) std::ofstream("core").put('x');
  if (has("leaves a temporary file")) std::ofstream(std::getenv("TMPDIR") + shared_name("txt"));
  if (has("leaves shared memory")) make_shared(shared_name(std::to_string(getpid())));
  if (has("leaves a process")) start_orphan();
  if (has("cannot run twice")) make_shared(shared_name("one"), O_EXCL);
  if (has("speaks on standard error")) dprintf(STDERR_FILENO, "debug\n");
  if (has("prints beside JSON")) dprintf(STDOUT_FILENO, "debug\n");
  if (has("in colour")) pdc::say("\x1b[34mblue\x1b[0m");
  if (has("too wide")) pdc::say("{}", std::string(130, 'x'));
  if (has("too long"))
    for (int i = 0; i < 70; ++i) pdc::say("line {}", i);
  if (has("hangs")) {
    pdc::set_deadline(60s);
    wait_for_ever();
  }
}

void work() {
  std::this_thread::sleep_for(100ms);  // plays the work
}

/// Two children; it takes the loss of one of them as its faults say.
void share_work() {
  const std::string name = shared_name(std::to_string(getpid()));
  if (has("a lost child leaves shared memory")) make_shared(name);
  if (has("a lost child's sibling stays")) start_orphan();
  pdc::Child first(work);
  pdc::Child second(work);
  const bool is_lost = !first.wait().good() || !second.wait().good();
  if (is_lost && has("a lost child crashes it")) raise(SIGSEGV);
  if (is_lost && has("a lost child is not told")) _exit(1);
  if (is_lost && has("hangs when a child is lost")) {
    pdc::set_deadline(60s);
    wait_for_ever();
  }
  pdc::require(!is_lost, "no child was lost");
  shm_unlink(name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "workers", {2, 8}}});
  be_faulty_at_first();
  const int threads = program.integer("threads");
  if (has("fails with the least")) pdc::check(threads > 2, "there are more than two");
  if (has("fails with the most")) pdc::check(threads < 8, "there are less than eight");
  if (has("draws no lane")) {
    for (int i = 0; i < 3; ++i) pdc::say("line {}", i);
  } else {
    program.scene("work", [] {
      const pdc::Lane lane("worker");
      const auto span = lane.work("all of it");
      if (has("children")) share_work();
      work();
    });
  }
  if (has("cannot run twice")) shm_unlink(shared_name("one").c_str());
  if (has("a claim in text only") && !program.flag("json")) pdc::check(true, "it is text");
  pdc::check(true, "the first holds", "{} of {}", 2, 2);
  pdc::check(true, "the second holds");
  const int status = program.finish();
  return has("fails in the end") ? 1 : status;
}
