// SPDX-License-Identifier: MIT
#include "speak/file.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>

#include "pdc/refuse.hpp"
#include "picture/arena.hpp"
#include "run/write_all.hpp"

namespace pdc::detail {
namespace {

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

}  // namespace pdc::detail
