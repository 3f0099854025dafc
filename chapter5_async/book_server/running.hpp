// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>

#include <array>
#include <chrono>
#include <climits>
#include <csignal>
#include <string>
#include <vector>

namespace book_server {

namespace asio = boost::asio;
using asio::experimental::awaitable_operators::operator||;
using boost::system::error_code;
constexpr auto with_error = asio::as_tuple(asio::use_awaitable);

/// Memory that a program writes its picture to, as to a file. No end of this process leaves it.
class Picture {
 public:
  Picture() : file_(pdc::posix(memfd_create("picture", MFD_CLOEXEC), "memfd_create")) {}
  std::string path() const { return fmt::format("/proc/{}/fd/{}", getpid(), file_.get()); }
  std::string text() const {
    constexpr std::size_t longest = 1 << 22;  // bytes
    std::string text(longest, '\0');
    const ssize_t size = pdc::posix(pread(file_.get(), text.data(), longest, 0), "pread");
    text.resize(static_cast<std::size_t>(size));
    return text;
  }

 private:
  pdc::Descriptor file_;
};

/// A program that runs, without a shell. It dies with this process, however that ends, and is killed
/// if finish() is not awaited. Requires: made on the main thread. Errors: std::system_error.
class Running {
 public:
  Running(asio::io_context& loop, std::vector<std::string> words, bool is_mpi) : Running(loop) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pdc::Pipe pipe;
    const pid_t parent = getpid();
    pid_ = pdc::posix(fork(), "fork");
    if (pid_ == 0) become(pointers, pipe.write_end.get(), parent, is_mpi ? SIGTERM : SIGKILL);
    output_.assign(pdc::posix(fcntl(pipe.read_end.get(), F_DUPFD_CLOEXEC, 0), "fcntl"));
    end_.assign(static_cast<int>(pdc::posix(syscall(SYS_pidfd_open, pid_, 0), "pidfd_open")));
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

  /// What it says next, on standard output or standard error; empty: it has said all.
  asio::awaitable<std::string> read() {
    std::array<char, 4096> bytes;
    const auto [error, size] = co_await output_.async_read_some(asio::buffer(bytes), with_error);
    co_return std::string(bytes.data(), size);
  }

  ~Running() {
    if (pid_ == 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  /// Tells it to end, once: at a second SIGTERM mpirun would leave its ranks alone.
  void stop() const { kill(pid_, SIGTERM); }

  /// Waits for its end, and kills it when that takes too long. Returns its status, or, as a shell
  /// does, 128 and the signal.
  asio::awaitable<int> finish() {
    asio::steady_timer patience(end_.get_executor(), std::chrono::seconds(5));
    const auto wait = asio::posix::stream_descriptor::wait_read;
    const auto first =
        co_await (end_.async_wait(wait, with_error) || patience.async_wait(with_error));
    if (first.index() == 1) kill(pid_, SIGKILL);
    int status = 0;
    pdc::posix(waitpid(pid_, &status, 0), "waitpid");  // now, or in no time
    pid_ = 0;
    co_return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  explicit Running(asio::io_context& loop) : output_(loop), end_(loop) {}  // then ~Running will do

  /// In the child.
  [[noreturn]] static void become(const std::vector<char*>& words, int output, pid_t parent,
                                  int last_signal) {
    setsid();                              // Ctrl-C is for the server, which then stops it, once
    prctl(PR_SET_PDEATHSIG, last_signal);  // mpirun has its ranks to end
    if (getppid() != parent) _exit(1);     // it has ended already
    dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    close_range(3, UINT_MAX, 0);  // connections, which would stay open with it
    execv(words.front(), words.data());
    _exit(127);
  }

  pid_t pid_ = 0;
  asio::posix::stream_descriptor output_;
  asio::posix::stream_descriptor end_;  // of the process
};

}  // namespace book_server
