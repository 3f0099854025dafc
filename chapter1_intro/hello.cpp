// Hello: threads live in their parent's process, child processes each in their own.
//
// Concept   A program can do several things at once in two ways. Threads share one process: its
//           memory, its files, its id. Child processes are copies that have all of that to
//           themselves, and need a channel to be heard; here it is a pipe.
// Shows     std::jthread, fork, pipe2, write, read
// Python    threading.Thread, multiprocessing.Process
// Run       hello --workers 3
// You see   threads name one and the same process, child processes one each (lines in any order)
// Next      threads_vs_processes asks what each kind costs; lost_update what shared memory can do

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <set>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

namespace {

std::string introduction(const char* kind, int number, pid_t process) {
  return fmt::format("{} {} lives in process {}", kind, number, process);
}

/// In one write, so that the kernel keeps the line whole, whoever else writes to the pipe.
void introduce(const char* kind, int number, int pipe, const pdc::Lane& lane) {
  const auto work = lane.work("hello");
  const std::string line = introduction(kind, number, getpid()) + '\n';
  pdc::posix(write(pipe, line.data(), line.size()), "write");
}

/// Both return the process that each worker must name.
std::vector<pid_t> start_threads(int workers, int pipe) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < workers; ++i) {
    threads.emplace_back(introduce, "thread", i, pipe, pdc::Lane("thread {}", i));
  }
  return std::vector<pid_t>(threads.size(), getpid());
}  // ~jthread joins each

std::vector<pid_t> start_processes(int workers, int pipe) {
  const pid_t parent = getpid();
  std::vector<pdc::Child> children;
  std::vector<pid_t> ids;
  for (int i = 0; i < workers; ++i) {
    const pdc::Lane lane("process {}", i);
    ids.push_back(pdc::posix(fork(), "fork"));
    if (ids.back() == 0) {  // fork returns twice: this is the copy
      pdc::die_with(parent);
      introduce("process", i, pipe, lane);
      _exit(0);
    }
    children.emplace_back(ids.back());  // and this is the original
  }
  return ids;
}  // ~Child waits for each

struct Heard {
  std::multiset<std::string> lines;
  std::set<pid_t> processes;
  int right = 0;  // workers heard exactly once, with the process they had to name
};

Heard listen(const char* kind, std::vector<pid_t> (*start)(int, int), int workers) {
  int ends[2];
  pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
  const pdc::Descriptor read_end(ends[0]);
  pdc::Descriptor write_end(ends[1]);
  const std::vector<pid_t> homes = start(workers, write_end.get());
  write_end.close();  // the last one: read sees the end of the stream behind the last line

  Heard heard;
  std::stringstream text;
  char piece[512];
  while (const auto size = pdc::posix(read(read_end.get(), piece, sizeof piece), "read")) {
    text.write(piece, size);
  }
  for (std::string line; std::getline(text, line); heard.lines.insert(line)) pdc::say("{}", line);
  for (int i = 0; i < workers; ++i) {
    const pid_t home = homes[static_cast<std::size_t>(i)];
    heard.processes.insert(home);
    heard.right += heard.lines.count(introduction(kind, i, home)) == 1 ? 1 : 0;
  }
  return heard;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"workers", 3, "threads, and as many processes", {1, 64}}});
  const int workers = program.integer("workers");

  const Heard threads = program.scene("threads", listen, "thread", start_threads, workers);
  const Heard children = program.scene("processes", listen, "process", start_processes, workers);

  const auto all = static_cast<std::size_t>(workers);
  pdc::check(threads.right == workers && threads.lines.size() == all,
             "each thread spoke once, and its line came whole", "{} of {}", threads.right, workers);
  pdc::check(children.right == workers && children.lines.size() == all, "so did each child process",
             "{} of {}", children.right, workers);
  pdc::check(threads.processes == std::set{getpid()}, "all threads live in their parent's process");
  pdc::check(children.processes.size() == all && !children.processes.contains(getpid()),
             "each child lives in a process of its own", "{} processes", children.processes.size());
  return program.finish();
}
