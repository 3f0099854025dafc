// SPDX-License-Identifier: MIT
#include "pdc/sibling.hpp"

#include <fmt/core.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include "end/end.hpp"
#include "pdc/refuse.hpp"

namespace pdc {
namespace {

/// Starts the program with the end of the pipe as its standard output. Returns its process.
pid_t start(const std::string& program, const std::vector<std::string>& arguments, Errors errors,
            int output) {
  std::vector<char*> words{const_cast<char*>(program.c_str())};
  for (const std::string& word : arguments) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = posix(fork(), "fork");
  if (child != 0) return child;
  die_with(parent);
  dup2(output, STDOUT_FILENO);
  if (errors == Errors::read) dup2(output, STDERR_FILENO);
  execv(program.c_str(), words.data());
  _exit(127);  // the shell's way to say that there is no such program
}

std::filesystem::path beside_this(const std::string& name) {
  const auto self = std::filesystem::read_symlink("/proc/self/exe");
  const auto program = self.parent_path() / name;
  if (!exists(program))
    refuse(fmt::format("{} is not built yet: ./pdc run {} builds both", name,
                       self.filename().string()));
  if (access(program.c_str(), X_OK) == -1) throw_errno(program.c_str());
  return program;
}

}  // namespace

Sibling::Sibling(const std::string& name, const std::vector<std::string>& arguments, Errors errors)
    : name_(name) {
  const std::filesystem::path program = beside_this(name);
  Pipe pipe;
  child_.emplace(start(program, arguments, errors, pipe.write_end.get()));
  output_ = std::move(pipe.read_end);
}

Sibling::~Sibling() {
  if (!child_) return;
  send(SIGTERM);
  wait();
}

std::optional<std::string> Sibling::line() {
  for (;;) {
    if (const std::size_t end = unread_.find('\n'); end != unread_.npos) {
      std::string text = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return text;
    }
    std::array<char, 4096> bytes;
    const ssize_t count = read(output_.get(), bytes.data(), bytes.size());
    if (count == -1 && errno == EINTR) continue;
    if (posix(count, "read") == 0) return std::nullopt;
    unread_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

std::string Sibling::said(std::string_view words) {
  while (const auto text = line()) {
    if (const std::size_t found = text->find(words); found != text->npos)
      return text->substr(found + words.size());
  }
  if (const int status = wait().status; status == 2 || status == 3)
    detail::end_program(status, fmt::format("start {}: it has said why it cannot", name_));
  throw std::runtime_error(fmt::format("{} ended before it said '{}'", name_, words));
}

void Sibling::send(int signal) const {
  posix(kill(pid(), signal), "kill");
}

Exit Sibling::wait() {
  while (line()) {
  }
  const Exit end = child_->wait();
  child_.reset();
  return end;
}

}  // namespace pdc
