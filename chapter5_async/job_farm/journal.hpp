// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <boost/json.hpp>

#include <array>
#include <functional>
#include <string>
#include <string_view>

/// What is done is written down before anybody is told so. Each line is one JSON object: the first
/// says which job it is, each of the others is a task that was done. A line is written by one call
/// to the end of the file: after a kill at any moment at most the last is torn, and is cut off.
///
/// A line that was written survives the end of the process, SIGKILL included: it is the kernel's
/// then. Only keep() takes it to the disk; what comes after it, a power cut may take away.
namespace job_farm {

namespace json = boost::json;

class Journal {
 public:
  Journal() = default;  // none is kept

  /// Calls `recall` with each line but the first; what it throws is wrong with the line. Ends the
  /// program with status 3 if the file cannot be used, belongs to another job, or to another
  /// coordinator right now.
  Journal(std::string name, const json::object& job,
          const std::function<void(const json::object&)>& recall)
      : name_(std::move(name)),
        file_(open(name_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (file_.get() == -1) refuse_call("open");
    if (flock(file_.get(), LOCK_EX | LOCK_NB) == -1)
      errno == EWOULDBLOCK ? refuse("another coordinator uses it") : refuse_call("flock");
    std::string text = read_all();
    const std::size_t whole = text.rfind('\n') + 1;
    if (whole == 0 && !json::serialize(job).starts_with(text)) refuse("it is no journal");
    text.resize(whole);
    read_lines(text, job, recall);
    if (ftruncate(file_.get(), static_cast<off_t>(whole)) == -1) refuse_call("ftruncate");
    if (whole == 0) write(job);
  }

  void write(const json::object& line) {
    if (file_.get() == -1) return;
    const std::string text = json::serialize(line) + '\n';
    const ssize_t written = ::write(file_.get(), text.data(), text.size());
    if (written == -1) refuse_call("write");
    if (written < static_cast<ssize_t>(text.size())) refuse("write: no room for a whole line");
    kept_ = false;
  }

  /// Waits until all lines are on the disk.
  void keep() {
    if (file_.get() == -1 || kept_) return;
    if (fdatasync(file_.get()) == -1 && errno != EINVAL) refuse_call("fdatasync");
    kept_ = true;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    pdc::refuse(fmt::format("journal {}: {}", name_, why));
  }
  [[noreturn]] void refuse_call(const char* call) const {
    refuse(fmt::format("{}: {}", call, std::generic_category().message(errno)));
  }

  std::string read_all() const {
    std::string text;
    std::array<char, 64 * 1024> bytes;
    for (ssize_t count = 0; (count = read(file_.get(), bytes.data(), bytes.size())) != 0;) {
      if (count == -1) refuse_call("read");
      text.append(bytes.data(), static_cast<std::size_t>(count));
    }
    return text;
  }

  void read_lines(const std::string& text, const json::object& job,
                  const std::function<void(const json::object&)>& recall) const {
    for (std::size_t begin = 0, end = 0; begin < text.size(); begin = end + 1) {
      end = text.find('\n', begin);
      const json::object line = parse(std::string_view(text).substr(begin, end - begin));
      try {
        if (begin > 0) recall(line);
      } catch (const std::exception& error) {
        refuse(fmt::format("a line is wrong: {}", error.what()));
      }
      if (begin == 0 && line != job)
        refuse(fmt::format("it is of another job, {}; name another file", json::serialize(line)));
    }
  }

  json::object parse(std::string_view line) const {
    boost::system::error_code error;
    json::value value = json::parse(line, error);
    if (error || !value.is_object()) refuse("it is no journal: a line is no JSON object");
    return value.get_object();
  }

  std::string name_;
  pdc::Descriptor file_;
  bool kept_ = true;
};

}  // namespace job_farm
