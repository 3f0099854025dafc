// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pdc/process.hpp"

namespace pdc {

/// What becomes of what a sibling writes to its standard error.
enum class Errors { passed_on, read };

/// Another program of the same chapter, run beside this one: a client's server, say.
///
///     pdc::Sibling server("socket_server", {"--serve"});
///     const std::string port = server.said("port ");
///
/// It writes its errors to this program's, unless they are read too, and what else it says is read
/// here. It is told to end (SIGTERM) and waited for when this object's life ends, and killed when
/// this process ends before that, however it does. Requires: made on the main thread. Thread safety:
/// as that of a vector. Errors: when it is not built, this program ends with status 3 and says how to
/// build it; std::system_error when it cannot be started.
class Sibling {
 public:
  explicit Sibling(const std::string& name, const std::vector<std::string>& arguments = {},
                   Errors errors = Errors::passed_on);
  Sibling(const Sibling&) = delete;
  Sibling& operator=(const Sibling&) = delete;
  ~Sibling();

  pid_t pid() const noexcept { return child_->pid(); }

  /// The next line that it says; waits for it. None when it has said all.
  std::optional<std::string> line();

  /// What stands behind those words on the next line that has them. Errors: when it has ended
  /// without such a line, std::runtime_error; if with status 2 or 3, this program ends so, too.
  std::string said(std::string_view words);

  /// Sends it a signal. Requires: not waited for.
  void send(int signal) const;

  /// Reads what it still says, and waits for its end. Requires: not waited for before.
  Exit wait();

 private:
  std::string name_;
  Descriptor output_;
  std::optional<Child> child_;  // none when it has been waited for
  std::string unread_;
};

}  // namespace pdc
