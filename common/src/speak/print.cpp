// SPDX-License-Identifier: MIT
#include "pdc/print.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "picture/arena.hpp"
#include "run/run.hpp"
#include "speak/terminal.hpp"

namespace pdc {
namespace detail {
namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string reason() {
  return std::generic_category().message(errno);
}

/// A device, a pipe, or a file that only has to be written itself: nothing can take its place.
void write_through(const std::string& path, std::string_view text) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) refuse("open " + path + ": " + reason());
  if (!write_all(file, text)) refuse("write " + path + ": " + reason());
  if (close(file) != 0) refuse("close " + path + ": " + reason());
}

/// Gives a file that has no name one. (The other way, AT_EMPTY_PATH, is for root only.)
bool give_name(int file, const std::string& name) {
  const std::string itself = fmt::format("/proc/self/fd/{}", file);
  return linkat(AT_FDCWD, itself.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0;
}

}  // namespace

World& world() {
  static World instance;
  return instance;
}

bool is_child() noexcept {
  const Arena* a = arena.load(std::memory_order_relaxed);
  return a != nullptr && a->owner != getpid();
}

bool is_narrator() noexcept {
  return world().rank == 0 && !is_child();
}

void write_out(std::string_view text) {
  if (!write_all(STDOUT_FILENO, text)) refuse("write to standard output: " + reason());
}

void write_file(const std::string& path, std::string_view text) {
  struct stat old {};
  const bool is_there = lstat(path.c_str(), &old) == 0;
  if (is_there && !S_ISREG(old.st_mode)) return write_through(path, text);

  const std::string parent = std::filesystem::path(path).parent_path();
  const std::string folder = parent.empty() ? "." : parent;
  const std::string beside = fmt::format("{}/.pdc.{}.{}", folder, getpid(), now_ns());
  // Without a name where the file system can do that: then nothing is left, however this ends.
  int file = open(folder.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  const bool has_name = file < 0;
  if (has_name) file = open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) return write_through(path, text);
  const bool is_whole = write_all(file, text) &&
                        (!is_there || fchmod(file, old.st_mode & 07777) == 0) &&
                        (has_name || give_name(file, beside)) && close(file) == 0 &&
                        rename(beside.c_str(), path.c_str()) == 0;
  if (is_whole) return;
  const std::string why = reason();
  unlink(beside.c_str());
  refuse("write " + path + ": " + why);
}

void say_unsaid() {
  write_all(STDERR_FILENO, {run().unsaid.data(), run().unsaid_size});
}

void complain(std::string_view message) {
  write_all(STDERR_FILENO, fmt::format("{}: {}\n", run().name, message));
}

void end_program(int status, std::string_view last_words, std::string_view last_output) {
  static std::atomic<bool> alone = false;
  Arena* a = arena.load();
  const bool first = !(a != nullptr ? a->ending : alone).exchange(true);
  if (first) {
    write_all(STDOUT_FILENO, last_output);
    if (last_output.empty()) say_unsaid();
    complain(last_words);
  }
  if (is_child()) {
    a->verdict = status;
    kill(a->owner, SIGRTMIN);  // the owner's handler ends it with the verdict (deadline.cpp)
    _exit(status);
  }
  if (!first) {
    while (true) pause();  // whoever was first ends this process
  }
  if (world().abort != nullptr) world().abort(status);
  _exit(status);
}

void leave_together(int status) {
  if (world().leave != nullptr) world().leave();
  _exit(status);
}

void print_title() {
  if (run().output == Output::text && is_narrator() && run().title_due.exchange(false)) {
    write_out(wrapped(fmt::format("{}: {}", run().name, run().summary), 2) + "\n");
  }
}

void say(fmt::string_view text, fmt::format_args args) {
  if (run().output != Output::text || world().rank != 0) return;
  print_title();
  const std::string indent = run().scene.empty() ? "" : "  ";
  write_out(wrapped(indent + fmt::vformat(text, args), indent.size() + 2) + "\n");
}

}  // namespace detail

void refuse(std::string_view reason) {
  detail::end_program(3, reason);
}

}  // namespace pdc
