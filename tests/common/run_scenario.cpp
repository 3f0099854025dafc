// SPDX-License-Identifier: MIT
#include "run_scenario.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "pdc/process.hpp"

namespace scenario {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{60};

struct Pipe {
  Pipe() {
    int ends[2];
    pdc::posix(pipe2(ends, O_CLOEXEC), "pipe2");
    read_end = pdc::Descriptor(ends[0]);
    write_end = pdc::Descriptor(ends[1]);
  }
  pdc::Descriptor read_end, write_end;
};

std::vector<std::string> command_line(const std::vector<std::string>& words,
                                      const Setting& setting) {
  std::vector<std::string> command;
  if (setting.ranks > 0) command = {PDC_MPIEXEC, "-np", std::to_string(setting.ranks)};
  command.push_back(setting.ranks > 0 ? PDC_SCENARIO_MPI : PDC_SCENARIO);
  command.insert(command.end(), words.begin(), words.end());
  if (!setting.redirect.empty())
    command.insert(command.begin(), {"/bin/sh", "-c", "exec \"$@\" " + setting.redirect, "sh"});
  return command;
}

[[noreturn]] void execute(const std::vector<std::string>& command) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  execv(arguments.front(), arguments.data());
  perror(arguments.front());
  _exit(127);
}

/// The processes whose environment holds the mark; a zombie has none any more.
std::vector<pid_t> marked(const std::string& mark) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (count(content(entry.path() / "environ"), mark) > 0) found.push_back(std::stoi(name));
  }
  return found;
}

/// Reads both until all writers have gone. False if that did not come.
bool read_all(std::array<pollfd, 2> from, std::array<std::string*, 2> into) {
  const auto end = Clock::now() + patience;
  while (from[0].fd >= 0 || from[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    poll(from.data(), from.size(), static_cast<int>(left.count()));
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (from[i].fd < 0 || from[i].revents == 0) continue;
      std::array<char, 4096> buffer;
      const ssize_t size = read(from[i].fd, buffer.data(), buffer.size());
      if (size <= 0) {
        from[i].fd = -1;  // poll() passes over it
      } else {
        into[i]->append(buffer.data(), static_cast<std::size_t>(size));
      }
    }
  }
  return true;
}

/// Processes are allowed a moment to go: a killed one takes it.
bool all_gone(const std::string& mark) {
  const auto end = Clock::now() + patience / 4;
  while (!marked(mark).empty()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // orders nothing: asks again
  }
  return true;
}

void kill_all(const std::string& mark) {
  for (const pid_t pid : marked(mark)) kill(pid, SIGKILL);
}

}  // namespace

Ended run(const std::vector<std::string>& words, const Setting& setting) {
  static int runs = 0;
  const std::string mark = fmt::format("PDC_SCENARIO_RUN={}.{};", getpid(), ++runs);
  const std::vector<std::string> command = command_line(words, setting);
  Pipe out;
  Pipe err;
  if (setting.nobody_reads) out.read_end.close();
  pdc::Child child([&] {
    putenv(const_cast<char*>(mark.c_str()));
    if (setting.columns.empty())
      unsetenv("COLUMNS");
    else
      setenv("COLUMNS", setting.columns.c_str(), 1);
    dup2(open("/dev/null", O_RDONLY | O_CLOEXEC), STDIN_FILENO);
    dup2(out.write_end.get(), STDOUT_FILENO);
    dup2(err.write_end.get(), STDERR_FILENO);
    execute(command);
  });
  out.write_end.close();
  err.write_end.close();

  Ended ended{};
  if (!read_all({{{out.read_end.get(), POLLIN, 0}, {err.read_end.get(), POLLIN, 0}}},
                {&ended.out, &ended.err})) {
    ADD_FAILURE() << words.front() << " did not end";
    kill_all(mark);
  }
  const pdc::Exit exit = child.wait();
  ended.status = exit.signal != 0 ? 128 + exit.signal : exit.status;
  if (!all_gone(mark)) {
    ADD_FAILURE() << words.front() << " left a process behind";
    kill_all(mark);
  }
  return ended;
}

std::vector<std::string> lines(std::string_view text) {
  std::vector<std::string> result;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    result.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return result;
}

int count(std::string_view text, std::string_view part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string_view::npos;
       at = text.find(part, at + part.size()))
    ++found;
  return found;
}

Folder::Folder() : path_(std::filesystem::temp_directory_path() / "pdc_test.XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) pdc::throw_errno("mkdtemp");
}

Folder::~Folder() {
  std::filesystem::remove_all(path_);
}

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace scenario
