// SPDX-License-Identifier: MIT
#include "pdc/deadline.hpp"

#include <fmt/compile.h>
#include <fmt/core.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "pdc/process.hpp"
#include "runtime.hpp"

namespace pdc {
namespace detail {
namespace {

std::array<char, 64> program_name{};
std::array<char, 32> time_given{};
bool timer_made = false;
timer_t timer;

/// One line to standard error, without memory from the heap: this runs in a signal handler.
template <class Text, class... Args>
void line(const Text& text, const Args&... args) {
  std::array<char, 256> buffer;
  const auto end = fmt::format_to_n(buffer.data(), buffer.size(), text, args...);
  [[maybe_unused]] const ssize_t ignored =
      write(STDERR_FILENO, buffer.data(), std::min(end.size, buffer.size()));
}

const char* doing(Kind kind) {
  switch (kind) {
    case Kind::work:
      return "is in:";
    case Kind::wait:
      return "waits for:";
    case Kind::hold:
      return "holds:";
    case Kind::send:
      return "sends:";
    case Kind::receive:
      return "receives:";
  }
  return "";
}

void say_lanes(const Arena& a) {
  const std::uint32_t lanes = std::min(a.lanes.load(), lane_capacity);
  for (std::uint32_t i = 0; i < lanes; ++i) {
    const LaneRecord& lane = a.lane[i];
    const std::uint32_t now = lane.complete.load(std::memory_order_acquire)
                                  ? lane.now.load(std::memory_order_acquire)
                                  : none;
    if (now == none) continue;
    const Record& record = a.record[now];
    const std::int64_t tenths = (now_ns() - record.begin) / 100'000'000;
    line(FMT_COMPILE("  {} {} {} (for {}.{} s)\n"), lane.name.data(), doing(record.kind),
         record.label.data(), tenths / 10, tenths % 10);
  }
}

/// Nothing but the order of lines depends on it.
void let_others_speak(int milliseconds) {
  const timespec grace{milliseconds / 1000, milliseconds % 1000 * 1'000'000L};
  if (world().size > 1) nanosleep(&grace, nullptr);
}

void set_timer(double seconds) {
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(seconds);
  when.it_value.tv_nsec = static_cast<long>((seconds - std::floor(seconds)) * 1e9);
  posix(timer_settime(timer, 0, &when, nullptr), "timer_settime");
}

/// The timer has run out, or a child asks to end the program.
void on_signal(int) {
  Arena* a = arena.load();
  if (a == nullptr || a->owner != getpid()) return;
  if (const int verdict = a->verdict.load(); verdict != 0) _exit(verdict);
  static bool again = false;
  const bool ends_already = a->ending.exchange(true);
  if (ends_already && !std::exchange(again, true)) {  // let that end come, but not for ever
    set_timer(2);
    return;
  }
  // Each rank has a timer: they speak in the order of their ranks, and mpirun, which ends all others
  // with the first that ends, speaks last.
  const int turn = std::clamp(1000 / world().size, 2, 50);
  let_others_speak(turn * world().rank);
  if (world().rank == 0) {
    line(FMT_COMPILE(
             "{}: still running after {} s (--deadline), so it ends here; now in each lane:\n"),
         program_name.data(), time_given.data());
  }
  say_unsaid();
  say_lanes(*a);
  let_others_speak(turn * (world().size - world().rank) + 300);
  _exit(4);
}

}  // namespace

void catch_signal() {
  const std::string& name = run().name;
  std::copy_n(name.data(), std::min(name.size(), program_name.size() - 1), program_name.data());
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags =
      0;  // no SA_RESTART: the process ends, and a sanitizer calls handlers between calls only
  sigfillset(&action.sa_mask);
  posix(sigaction(SIGRTMIN, &action, nullptr), "sigaction");
}

}  // namespace detail

void set_deadline(std::chrono::duration<double> from_now) {
  using namespace detail;
  if (!timer_made) {
    sigevent event{};
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGRTMIN;
    posix(timer_create(CLOCK_MONOTONIC, &event, &timer), "timer_create");
    timer_made = true;
  }
  const double seconds = from_now.count();
  fmt::format_to_n(time_given.data(), time_given.size() - 1, "{:g}", seconds);
  set_timer(seconds);
}

}  // namespace pdc
