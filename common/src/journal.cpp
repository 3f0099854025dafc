// SPDX-License-Identifier: MIT
#include "pdc/journal.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <filesystem>
#include <sstream>
#include <system_error>

#include "pdc/refuse.hpp"

namespace pdc {

namespace json = boost::json;

Journal::Journal()
    : file_(posix(memfd_create("journal", MFD_CLOEXEC), "memfd_create")),
      name_(fmt::format("/proc/{}/fd/{}", getpid(), file_.get())) {
  posix(fcntl(file_.get(), F_SETFL, O_APPEND), "fcntl");
}

Journal::Journal(const std::string& file, const json::object& job)
    : file_(file.empty() ? memfd_create("journal", MFD_CLOEXEC)
                         : open(file.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)),
      name_(file) {
  require(file_.get(), "open");
  const int locked = flock(file_.get(), LOCK_EX | LOCK_NB);
  if (locked == -1 && errno == EWOULDBLOCK) refuse("another program uses it");
  require(locked, "flock");
  const std::string text = read_all(), first = json::serialize(job) + '\n';
  if (!first.starts_with(text.substr(0, first.size()))) refuse("it is of another job, or none");
  const std::size_t whole = text.rfind('\n') + 1;  // a kill has torn what comes after it
  require(ftruncate(file_.get(), static_cast<off_t>(whole)), "ftruncate");
  if (whole == 0) append(job);
  keep();  // what was found, too
  if (whole == 0 && !name_.empty()) keep_name();
}

void Journal::append(const json::object& line) {
  const std::string text = json::serialize(line) + '\n';
  for (std::string_view rest = text; !rest.empty();) {
    const ssize_t count = TEMP_FAILURE_RETRY(write(file_.get(), rest.data(), rest.size()));
    require(count, "write");
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Journal::keep() const {
  require(TEMP_FAILURE_RETRY(fdatasync(file_.get())), "fdatasync");
}

void Journal::read(const std::function<void(const json::object&)>& take) const {
  std::istringstream lines(read_all());
  int number = 1;
  std::string line;
  std::getline(lines, line);  // which job it is
  while (std::getline(lines, line)) {
    ++number;
    try {
      take(json::parse(line).as_object());
    } catch (const std::exception& error) {
      refuse(fmt::format("line {} is wrong: {}", number, error.what()));
    }
  }
}

void Journal::refuse(std::string_view why) const {
  pdc::refuse(fmt::format("journal {}: {}", name_, why));
}

/// As posix(), with the name of the file.
void Journal::require(long result, const char* call) const {
  if (result == -1) refuse(fmt::format("{}: {}", call, std::generic_category().message(errno)));
}

/// A file that is new can lose its name by a power failure, unless its folder is kept, too.
void Journal::keep_name() const {
  const std::filesystem::path folder = std::filesystem::absolute(name_).parent_path();
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const long done = TEMP_FAILURE_RETRY(fsync(opened.get()));
  if (done == -1 && errno != EINVAL)
    require(done, "fsync of its folder");  // EINVAL: /proc has no disk
}

std::string Journal::read_all() const {
  std::string text;
  std::array<char, 64 * 1024> bytes;
  for (;;) {
    const auto place = static_cast<off_t>(text.size());
    const ssize_t count = TEMP_FAILURE_RETRY(pread(file_.get(), bytes.data(), bytes.size(), place));
    require(count, "pread");
    if (count == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

}  // namespace pdc
