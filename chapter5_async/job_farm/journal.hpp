// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

/// The journal of the page of that name: what is done is written down before anybody is told so.
/// Each line is a JSON object: the first says which job it is, the others are the tasks done.
namespace job_farm {

namespace json = boost::json;

class Journal {
 public:
  /// With an empty name it is in memory. Ends the program with status 3 if the file cannot be used,
  /// belongs to another job, or to another coordinator right now.
  Journal(std::string name, const json::object& job)
      : name_(std::move(name)),
        file_(name_.empty() ? memfd_create("journal", MFD_CLOEXEC)
                            : open(name_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (file_.get() == -1) refuse_call("open");
    if (flock(file_.get(), LOCK_EX | LOCK_NB) == -1) {
      if (errno == EWOULDBLOCK) refuse("another coordinator uses it");
      refuse_call("flock");
    }
    const std::string text = read_all(), first = json::serialize(job) + '\n';
    if (!first.starts_with(text.substr(0, first.size()))) refuse("it is of another job, or none");
    const std::size_t whole = text.rfind('\n') + 1;  // a kill has torn what comes after it
    if (ftruncate(file_.get(), static_cast<off_t>(whole)) == -1) refuse_call("ftruncate");
    if (whole == 0) append(job);
    keep();  // what was found, too
    if (whole == 0 && !name_.empty()) keep_name();
  }

  /// When it returns, the line survives the end of this process, though no power failure yet.
  void append(const json::object& line) {
    const std::string text = json::serialize(line) + '\n';
    for (std::string_view rest = text; !rest.empty();) {
      const ssize_t count = TEMP_FAILURE_RETRY(write(file_.get(), rest.data(), rest.size()));
      if (count == -1) refuse_call("write");
      rest.remove_prefix(static_cast<std::size_t>(count));
    }
  }

  /// When it returns, what was appended before survives a power failure, too. That may take long.
  /// Thread safety: another thread may append meanwhile.
  void keep() const {
    if (TEMP_FAILURE_RETRY(fdatasync(file_.get())) == -1) refuse_call("fdatasync");
  }

  /// Calls `take` with each task that is done; what that throws is wrong with the line, and ends the
  /// program with status 3.
  void read(const std::function<void(const json::object&)>& take) const {
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

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    pdc::refuse(fmt::format("journal {}: {}", name_, why));
  }
  [[noreturn]] void refuse_call(const char* call) const {
    refuse(fmt::format("{}: {}", call, std::generic_category().message(errno)));
  }

  /// A file that is new can lose its name by a power failure, unless its folder is kept, too.
  void keep_name() const {
    const std::filesystem::path folder = std::filesystem::absolute(name_).parent_path();
    const pdc::Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const long done = TEMP_FAILURE_RETRY(fsync(opened.get()));
    if (done == -1 && errno != EINVAL)
      refuse_call("fsync of its folder");  // EINVAL: /proc has no disk
  }

  std::string read_all() const {
    std::string text;
    std::array<char, 64 * 1024> bytes;
    for (;;) {
      const auto place = static_cast<off_t>(text.size());
      const ssize_t count =
          TEMP_FAILURE_RETRY(pread(file_.get(), bytes.data(), bytes.size(), place));
      if (count == -1) refuse_call("pread");
      if (count == 0) return text;
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
  }

  const std::string name_;
  const pdc::Descriptor file_;
};

}  // namespace job_farm
