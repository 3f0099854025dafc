// Subprocess run: start another program, read what it writes, and learn how it ended.
//
// Concept   posix_spawn starts another program, with words, an environment and descriptors. What it
//           writes comes through a pipe, and a pipe has little room: read to the end first, then
//           wait. Whoever waits first waits for a program that waits for somebody to read.
// Shows     posix_spawnp, posix_spawn_file_actions_adddup2, posix_spawn_file_actions_addclosefrom_np,
//           read, waitid, memfd_create
// Python    subprocess.run
// Run       subprocess_run --bytes 100000
// You see   a parent and a program that wait for each other; the same program, read to its end
// Next      process_class owns its child; pipe joins processes that run at the same time

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Words = std::vector<std::string>;

void succeed(int error, const char* call) {  // these calls return their error
  if (error != 0) throw std::system_error(error, std::generic_category(), call);
}

/// For a call that takes C strings, a null pointer after the last, and changes none.
std::vector<char*> pointers_to(const Words& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

struct FileActions {  // on descriptors, before the program starts
  FileActions() { succeed(posix_spawn_file_actions_init(&list), "file_actions_init"); }
  FileActions(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&list); }
  posix_spawn_file_actions_t list;
};

/// Starts a program with this environment, that output, and no descriptor but the standard ones.
pid_t spawn(const Words& words, int output, const Words& environment) {
  FileActions actions;
  succeed(posix_spawn_file_actions_adddup2(&actions.list, output, STDOUT_FILENO), "adddup2");
  succeed(posix_spawn_file_actions_addclosefrom_np(&actions.list, 3), "closefrom");
  const std::vector<char*> argv = pointers_to(words), env = pointers_to(environment);
  pid_t program = 0;
  succeed(posix_spawnp(&program, argv[0], &actions.list, nullptr, argv.data(), env.data()),
          "posix_spawnp");
  return program;
}

/// Closes it even if reading fails: a program that goes on writing gets SIGPIPE or an error then.
std::string read_to_end(pdc::Descriptor from) {
  std::string all;
  char piece[4096];
  for (;;) {
    const ssize_t count = read(from.get(), piece, sizeof piece);
    if (count == 0) return all;
    if (count == -1 && errno == EINTR) continue;
    all.append(piece, static_cast<std::size_t>(pdc::posix(count, "read")));
  }
}

struct Finished {
  std::string output;
  pdc::Exit end;
};

/// Right: it reads to the end, and then waits.
Finished run(const Words& words, const Words& environment = {}) {
  const pdc::Lane parent("parent"), lane("program");
  pdc::Pipe pipe;
  const auto work = lane.work("{}", words.front());
  pdc::Child program(spawn(words, pipe.write_end.get(), environment));
  pipe.write_end.close();  // or there would be no end to read to
  const auto read = parent.work("reads");
  std::string all = read_to_end(std::move(pipe.read_end));
  return {std::move(all), program.wait()};
}

/// Whether it ends although nobody reads. It does not when the pipe is full and it has more to write.
bool ends_unread(const pdc::Child& program, const pdc::Pipe& pipe) {
  const auto id = static_cast<id_t>(program.pid());
  for (;;) {
    siginfo_t end{};
    pdc::posix(waitid(P_PID, id, &end, WEXITED | WNOHANG | WNOWAIT), "waitid");
    if (end.si_pid != 0) return true;
    pollfd room{pipe.write_end.get(), POLLOUT, 0};
    if (pdc::posix(poll(&room, 1, 0), "poll") == 0) return false;
    std::this_thread::yield();
  }
}

/// Wrong on purpose: it waits before it reads. It gives up when it sees that both would wait.
bool wait_first(const Words& words) {
  const pdc::Lane parent("parent"), lane("program");
  pdc::Pipe pipe;
  pdc::posix(fcntl(pipe.write_end.get(), F_SETPIPE_SZ, 1 << 16), "fcntl");  // more with large pages
  auto work = lane.work("{}", words.front());
  pdc::Child program(spawn(words, pipe.write_end.get(), {}));
  const auto wait = parent.wait("the program's end");
  const bool ended = ends_unread(program, pipe);
  work.end();
  if (ended) return true;
  const auto stuck = lane.wait("room in the pipe");
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays a little of "for ever"
  pdc::fault("each waits for the other");
  pdc::posix(kill(program.pid(), SIGKILL), "kill");
  return program.wait().signal != SIGKILL;  // else it has ended by itself
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"bytes", 100'000, "to write", {70'000, 10'000'000}}});
  const int bytes = program.integer("bytes");
  const Words head = {"head", "-c", std::to_string(bytes), "/dev/zero"};

  const bool ended = program.scene("waiting first", wait_first, head);
  const Finished all = program.scene("reading first", run, head, Words{});
  const pdc::Descriptor leaky(pdc::posix(memfd_create("leaky", 0), "memfd_create"));
  const Finished files = run({"ls", "/proc/self/fd"});
  const Finished greeting = run({"env"}, {"GREETING=hello"});
  const Finished status = run({"sh", "-c", "exit 7"}), signal = run({"sh", "-c", "kill -TERM $$"});

  pdc::check(!ended, "a program that has filled the pipe does not end before somebody reads");
  pdc::check(all.end.good() && std::cmp_equal(all.output.size(), bytes),
             "a program whose output is read to the end writes all, and ends");
  pdc::check(greeting.output == "GREETING=hello\n",
             "another program has the environment that it is given, and no other");
  pdc::check(status.end.status == 7 && signal.end.signal == SIGTERM,
             "the parent is told the status of another program, or its signal");
  pdc::check(files.output == "0\n1\n2\n3\n",
             "another program has three descriptors, and a fourth when it opens a file");
  return program.finish();
}
