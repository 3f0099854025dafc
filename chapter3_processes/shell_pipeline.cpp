// Shell pipeline: other programs side by side, each reading what the one before it writes.
//
// Concept   A shell starts all programs of a pipeline at once, with ends of pipes as their input and
//           output. exec keeps all other open descriptors: a program that has the write end of the
//           pipe that it reads waits for itself. With close-on-exec it has the ends that dup2 has put
//           in place, and no others. Each program has a status of its own: look at all of them.
// Shows     pipe2, dup2, execvp, waitid, poll, read
// Python    subprocess.Popen(stdin=first.stdout)
// Run       shell_pipeline
// You see   with every end inherited the programs never end; with two each they do; all statuses
// Next      message_queue keeps messages apart; subprocess_run starts a single program

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace {

using Words = std::vector<std::string>;

struct Pipe {
  pdc::Descriptor read_end, write_end;
};

Pipe make_pipe(int flags) {
  int ends[2];
  pdc::posix(pipe2(ends, flags), "pipe2");
  return {pdc::Descriptor(ends[0]), pdc::Descriptor(ends[1])};
}

/// Returns when the program is running. Else it throws, and says why it is not.
pdc::Child start(const Words& words, int input, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pdc::Pipe failure;  // closed by execvp: then nothing comes
  pdc::Child program([&] {
    setenv("LC_ALL", "C", 1);  // sort compares bytes, as C++ does
    signal(SIGPIPE, SIG_DFL);  // this page ignores it, and exec would keep that
    if (dup2(input, STDIN_FILENO) != -1 && dup2(output, STDOUT_FILENO) != -1)
      execvp(arguments[0], arguments.data());  // leaves the copies open
    pdc::posix(write(failure.write_end.get(), &errno, sizeof errno), "write");
  });
  failure.write_end.close();
  int error = 0;
  while (read(failure.read_end.get(), &error, sizeof error) == -1 && errno == EINTR) continue;
  if (error != 0) throw std::system_error(error, std::generic_category(), words.front());
  return program;
}

bool ends_with(const pdc::Child& writer, pdc::Descriptor stream) {  // looks, reads nothing
  siginfo_t end{};
  const auto id = static_cast<id_t>(writer.pid());
  while (waitid(P_PID, id, &end, WEXITED | WNOWAIT) == -1 && errno == EINTR) continue;
  pollfd look{stream.get(), POLLIN, 0};
  pdc::posix(poll(&look, 1, 0), "poll");
  return (look.revents & POLLHUP) != 0;  // no process has a write end of it any more
}

std::string read_to_end(const pdc::Descriptor& from) {
  std::string all;
  char piece[4096];
  while (const ssize_t count = read(from.get(), piece, sizeof piece)) {
    if (count == -1 && errno == EINTR) continue;
    all.append(piece, static_cast<std::size_t>(pdc::posix(count, "read")));
  }
  return all;
}

struct Result {
  bool first_stream_ended;
  std::string output;
  std::vector<int> statuses;
  int status;  // of the whole
};

/// Right with O_CLOEXEC. Wrong on purpose with 0: each program inherits all ends of all pipes.
/// Only for output that fits into the pipes: before it reads, it looks what the first has left.
Result run(const std::vector<Words>& stages, int flags) {
  pdc::Pipe started;        // exec closes this one first, and `failure` last
  std::vector<Pipe> pipes;  // one behind each program
  for (std::size_t i = 0; i < stages.size(); ++i) pipes.push_back(make_pipe(flags));
  std::vector<pdc::Child> programs;
  std::vector<pdc::Span> bars;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const int input = i == 0 ? STDIN_FILENO : pipes[i - 1].read_end.get();
    bars.push_back(pdc::Lane("{} {}", i + 1, stages[i].front()).work("runs"));
    programs.push_back(start(stages[i], input, pipes[i].write_end.get()));
  }
  pdc::Descriptor first = std::move(pipes.front().read_end);
  const pdc::Descriptor last = std::move(pipes.back().read_end);
  pipes.clear();  // this process, too, keeps no write end
  started.write_end.close();
  read_to_end(started.read_end);  // until exec has closed both of them in every program
  const bool ended = ends_with(programs.front(), std::move(first));
  bars.front().end();
  if (!ended) pdc::fault("each waits for itself");
  for (const pdc::Child& program : programs)
    if (!ended) pdc::posix(kill(program.pid(), SIGKILL), "kill");
  Result result{ended, read_to_end(last), {}, 0};
  for (pdc::Child& program : programs) {
    const pdc::Exit exit = program.wait();
    result.statuses.push_back(exit.signal != 0 ? 128 + exit.signal : exit.status);  // as a shell
    if (!exit.good()) result.status = result.statuses.back();  // as with `set -o pipefail`
  }
  return result;
}

std::string count(const Words& words) {  // as the pipeline writes it
  std::map<std::string, int> times;
  for (const std::string& word : words) ++times[word];
  Words lines;
  for (const auto& [word, number] : times) lines.push_back(fmt::format("{:7} {}\n", number, word));
  std::sort(lines.rbegin(), lines.rend());  // the largest first
  return pdc::join(lines, "");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const Words print = {"printf", "%s\\n", "to", "be", "or", "not", "to", "be"};
  const std::vector<Words> stages = {print, {"sort"}, {"uniq", "-c"}, {"sort", "-rn"}};
  const Result without = program.scene("all ends inherited", run, stages, 0);
  const Result with = program.scene("two ends each", run, stages, O_CLOEXEC);
  const Result bad = run({{"sh", "-c", "exit 7"}, {"yes"}, {"head", "-n1"}}, O_CLOEXEC);
  pdc::check(!without.first_stream_ended, "a reader that has a write end itself waits for ever");
  pdc::check(with.first_stream_ended, "with two ends each, a stream ends with its writer");
  pdc::check(with.output == count({print.begin() + 2, print.end()}),
             "the pipeline counts the words as C++ does");
  pdc::check(bad.statuses == std::vector{7, 128 + SIGPIPE, 0},
             "the parent is told the status of every program", "{}", pdc::join(bad.statuses));
  pdc::check(bad.status == 128 + SIGPIPE, "a pipeline's status is that of its last failure");
  return program.finish();
}
