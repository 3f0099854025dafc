// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "pdc/check.hpp"
#include "pdc/option.hpp"
#include "pdc/print.hpp"
#include "pdc/refuse.hpp"
#include "pdc/timeline.hpp"

/// The frame of every program: its options, its scenes and pictures, its verdict and exit status.
/// Brings along what every page uses: check.hpp, option.hpp, print.hpp, refuse.hpp, timeline.hpp.
namespace pdc {

/// Made first thing in main, or, in an MPI program, right after its session.
///
///     pdc::Program program(argc, argv, {{"threads", 4, "runners", {2, 64}}});
///     const int threads = program.integer("threads");
///     const int early = program.scene("without the barrier", race_without_barrier, threads);
///     pdc::check(early > 0, "without it, a runner started early", "{} times", early);
///     return program.finish();
///
/// Every program has --help, --version, --quiet, --json, --svg FILE, --scene, --trace FILE and
/// --deadline SECONDS besides. Guarantees: a wrong command line ends with status 2 before anything
/// is started; an exception that escapes, from any thread, ends with status 3 (std::system_error,
/// std::bad_alloc: the machine refused something) or 1; the deadline ends a stuck program with 4.
/// One object a process. Thread safety: the main thread only.
class Program {
 public:
  Program(int argc, char** argv, std::initializer_list<Option> options = {});
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// The value of an option of that kind. Requires: it was declared so.
  int integer(std::string_view option) const;
  double real(std::string_view option) const;
  bool flag(std::string_view option) const;
  const std::string& word(std::string_view option) const;

  /// Ends with status 2 after one line on standard error, "program: why": for what is wrong with the
  /// command line and a range cannot say. Requires: nothing has been started. MPI: collective.
  [[noreturn]] void reject(std::string_view why) const;

  /// One act of the story, with a heading and a picture of its own: runs act(args...), returns what
  /// it returned, then draws what its lanes recorded. Requires: what the act started has ended when
  /// it returns. MPI: collective, all ranks begin together.
  template <class Act, class... Args>
  std::invoke_result_t<Act, Args...> scene(std::string_view title, Act&& act, Args&&... args) {
    const Scene scene(title);
    return std::invoke(std::forward<Act>(act), std::forward<Args>(args)...);
  }

  /// Adds a measured value to what --json reports.
  void report(std::string_view name, double value, std::string_view unit);

  /// The end: writes the pictures asked for, prints `all claims hold` and returns 0; or, if a claim
  /// has failed, says on standard error how many did, and returns 1. Ends with status 1 if no claim
  /// was made, with 3 if a picture cannot be written. Requires: whoever makes claims has ended. MPI:
  /// collective; rank 0 speaks, and all ranks return the same.
  [[nodiscard]] int finish();

 private:
  struct Scene {
    explicit Scene(std::string_view title);
    ~Scene();
    Scene(const Scene&) = delete;
    Scene& operator=(const Scene&) = delete;
  };
};

}  // namespace pdc
