// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include <array>
#include <cerrno>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

/// What is done is written down before anybody is told so. Each line is one JSON object: the first
/// says which job it is, each of the others is a task that was done. A line is written by one call
/// to the end of the file: after a kill at any moment at most the last is torn, and is cut off.
namespace job_farm {

namespace asio = boost::asio;
namespace json = boost::json;

class Journal {
 public:
  /// Calls `recall` with each line but the first; what it throws is wrong with the line. Ends the
  /// program with status 3 if the file cannot be used, belongs to another job, or to another
  /// coordinator right now.
  Journal(std::string name, const json::object& job,
          const std::function<void(const json::object&)>& recall)
      : name_(std::move(name)),
        file_(open(name_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (file_.get() == -1) refuse_call("open");
    if (flock(file_.get(), LOCK_EX | LOCK_NB) == -1) {
      if (errno == EWOULDBLOCK) refuse("another coordinator uses it");
      refuse_call("flock");
    }
    std::string text = read_all();
    const std::size_t whole = text.rfind('\n') + 1;
    if (whole == 0 && !json::serialize(job).starts_with(text)) refuse("it is no journal");
    text.resize(whole);
    read_lines(text, job, recall);
    if (ftruncate(file_.get(), static_cast<off_t>(whole)) == -1) refuse_call("ftruncate");
    if (whole == 0) write(job);
  }

  /// The line is the kernel's then: it survives the end of the process, SIGKILL included, but no
  /// power cut. Ends the program with status 3 if there is no room for it.
  void write(const json::object& line) {
    const std::string text = json::serialize(line) + '\n';
    const ssize_t written = ::write(file_.get(), text.data(), text.size());
    if (written == -1) refuse_call("write");
    if (written < static_cast<ssize_t>(text.size())) refuse("write: no room for a whole line");
  }

  /// Takes all that was written so far to the disk, on a thread of its own, since that may take long;
  /// then calls `then` on the loop. Requires: the call before has called its `then`.
  void keep(const asio::any_io_executor& loop, std::function<void()> then) {
    asio::post(disk_, [this, loop, then = std::move(then)] {
      if (fdatasync(file_.get()) == -1 && errno != EINVAL) refuse_call("fdatasync");
      asio::post(loop, then);
    });
  }

 private:
  [[noreturn]] void refuse(std::string_view why) const {
    pdc::refuse(fmt::format("journal {}: {}", name_, why));
  }
  [[noreturn]] void refuse_call(const char* call) const {
    refuse(fmt::format("{}: {}", call, std::generic_category().message(errno)));
  }

  std::string read_all() const {
    std::string text;
    std::array<char, 64 * 1024> bytes;
    ssize_t count = 0;
    do {
      count = read(file_.get(), bytes.data(), bytes.size());
      if (count == -1) refuse_call("read");
      text.append(bytes.data(), static_cast<std::size_t>(count));
    } while (count > 0);
    return text;
  }

  void read_lines(std::string_view text, const json::object& job,
                  const std::function<void(const json::object&)>& recall) const {
    int number = 0;
    for (std::size_t end = 0; !text.empty(); text.remove_prefix(end + 1)) {
      ++number;
      end = text.find('\n');
      try {
        const json::object line = json::parse(json::string_view(text.data(), end)).as_object();
        if (number > 1) recall(line);
        if (number == 1 && line != job)
          refuse(fmt::format("it is of another job, {}", json::serialize(line)));
      } catch (const std::exception& error) {
        refuse(fmt::format("line {} is wrong: {}", number, error.what()));
      }
    }
  }

  const std::string name_;
  const pdc::Descriptor file_;
  asio::thread_pool disk_{1};  // the last member: its thread has ended before the file closes
};

}  // namespace job_farm
