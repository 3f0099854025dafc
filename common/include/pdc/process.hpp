// SPDX-License-Identifier: MIT
#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <concepts>
#include <cstddef>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

/// RAII over POSIX: calls that fail throw, descriptors close, children are waited for, mappings go.
/// The calls themselves (fork, read, write) stand in the pages. Thread safety: as that of an int.
namespace pdc {

/// Throws std::system_error with errno and the name of the call that failed.
[[noreturn]] void throw_errno(const char* call);

/// The result of a POSIX call. Throws std::system_error with errno and the call's name if it is -1:
/// `const pid_t pid = pdc::posix(fork(), "fork");`
template <std::signed_integral Result>
Result posix(Result result, const char* call) {
  if (result == -1) throw_errno(call);
  return result;
}

/// An open file, pipe or socket; closed at the end of its life.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) noexcept : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    other.close();
    return *this;
  }
  ~Descriptor() { close(); }

  int get() const noexcept { return number_; }
  void close() noexcept {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_ = -1;
};

/// A pipe, closed on exec. Children inherit both ends: each closes what it does not use.
struct Pipe {
  Pipe();
  Descriptor read_end, write_end;
};

/// How a child ended.
struct Exit {
  int status = 0;  // its exit status, 0 when a signal ended it
  int signal = 0;  // the signal that ended it, 0 when none did

  bool good() const noexcept { return status == 0 && signal == 0; }
  std::string text() const;  // "status 0", "signal 13 (SIGPIPE)"
};

/// In a child, first thing: it is killed when the thread that forked it ends, however that ends.
/// Requires: `parent` is what getpid() was before the fork. Errors: std::system_error.
void die_with(pid_t parent);

/// A child process, waited for at the latest at the end of its life, so no zombie stays. As
/// std::jthread, for processes. Forking belongs on the main thread.
class Child {
 public:
  /// Takes charge of one that fork() has made.
  explicit Child(pid_t pid) noexcept : pid_(pid) {}
  /// Forks, and in the child calls body and ends with status 0; the child dies with its parent.
  template <std::invocable Body>
  explicit Child(Body body) : pid_(0) {
    const pid_t parent = getpid();
    pid_ = posix(fork(), "fork");
    if (pid_ != 0) return;
    die_with(parent);
    try {
      body();
    } catch (...) {
      std::terminate();  // an exception ends here, not in the parent's code
    }
    _exit(0);  // not exit(): what the parent does at its end is not the child's to do
  }
  Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  Child& operator=(Child&&) = delete;
  ~Child();

  pid_t pid() const noexcept { return pid_; }
  /// Waits for the end. Requires: not waited for before. Errors: std::system_error.
  Exit wait();

 private:
  pid_t pid_;
};

/// The index of the one that ends next; waits for that, and leaves it to be waited for. So a death
/// is seen while others wait for the dead one. Children of another program that this process was
/// before exec (`sleep 1 & exec program`) are none of ours: they are passed over. Requires: no other
/// children were forked here. Errors: as wait().
std::size_t next_to_end(const std::vector<Child>& children);

/// Waits until the child has stopped itself, by raise(SIGSTOP), so that it is certainly at that
/// place; it goes on by SIGCONT. Returns, too, when it has ended, and leaves it to be waited for.
/// Requires: a child of this process. Errors: std::system_error.
void await_stop(pid_t child);

/// An object in anonymous memory that children forked later share. Nothing is left in any name
/// space. Requires: T works between processes (std::atomic that is lock-free; no pointers to
/// private memory).
template <class T>
class Shared {
 public:
  template <class... Args>
  explicit Shared(Args&&... args) {
    void* place =
        mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw_errno("mmap");
    object_ = new (place) T(std::forward<Args>(args)...);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    std::destroy_at(object_);
    munmap(object_, sizeof(T));
  }

  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }

 private:
  T* object_;
};

}  // namespace pdc
