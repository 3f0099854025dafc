// SPDX-License-Identifier: MIT
#include "pdc/deadline.hpp"

#include <fmt/compile.h>
#include <fmt/core.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cmath>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "end/complain.hpp"
#include "end/deadline.hpp"
#include "pdc/process.hpp"
#include "pdc/refuse.hpp"
#include "picture/arena.hpp"
#include "run/run.hpp"
#include "run/world.hpp"

namespace pdc {
namespace detail {
namespace {

std::array<char, 64> program_name{};
std::array<char, 32> time_given{};
/// What the main thread is in: the scene, or what comes before or after one. Two of them: while one
/// is written the handler reads the other.
struct MainAct {
  std::array<char, 96> name{};
  std::int64_t since = 0;
};
std::array<MainAct, 2> main_acts;
std::atomic<std::size_t> current_act = 0;
std::array<char, 16> main_lane{};  // "main", or with MPI "rank 2"
bool timer_made = false;
timer_t timer;
std::atomic<double> limit = 0;  // seconds without progress; 0: none

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

void say(const char* who, const char* doing, const char* what, std::int64_t since) {
  const std::int64_t tenths = (now_ns() - since) / 100'000'000;
  line(FMT_COMPILE("  {} {} {} (for {}.{} s)\n"), who, doing, what, tenths / 10, tenths % 10);
}

/// What is open in a lane, from the outside in. True if there is something.
bool say_lane(const Arena& a, const LaneRecord& lane) {
  std::array<const Record*, 8> open;
  std::size_t depth = 0;
  std::uint32_t now = lane.now.load(std::memory_order_acquire);
  for (int steps = 0; now != none && depth < open.size() && steps < 64; ++steps) {
    const Record& record = a.record[now];
    if (record.end.load() == 0) open[depth++] = &record;  // else it ended before an inner one did
    now = record.outer;
  }
  for (std::size_t i = depth; i-- > 0;)
    say(lane.name.data(), doing(open[i]->kind), open[i]->label.data(), open[i]->begin);
  return depth > 0;
}

void say_lanes(const Arena& a) {
  bool has_spoken = false;  // the main thread, in a lane that a page or the MPI layer gave it
  const std::uint32_t lanes = std::min(a.lanes.load(), lane_capacity);
  for (std::uint32_t i = 0; i < lanes; ++i) {
    const LaneRecord& lane = a.lane[i];
    if (!lane.complete.load(std::memory_order_acquire) || !say_lane(a, lane)) continue;
    if (lane.name.data() == std::string_view(main_lane.data())) has_spoken = true;
  }
  const MainAct& act = main_acts[current_act];
  if (!has_spoken) say(main_lane.data(), doing(Kind::work), act.name.data(), act.since);
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

/// How long ago a child told of progress, in seconds.
double since_progress(const Arena& a) {
  return 1e-9 * static_cast<double>(now_ns() - a.progress.load());
}

/// The timer has run out, or a child asks to end the program.
void on_signal(int) {
  Arena* a = arena.load();
  if (a == nullptr || a->owner != getpid()) return;
  if (const int verdict = a->verdict.load(); verdict != 0) _exit(verdict);
  if (const double left = limit - since_progress(*a); left > 0 && !a->ending) {
    set_timer(std::max(left, 0.001));
    return;
  }
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

void set_main_act(std::string_view name) {
  const std::size_t next = 1 - current_act;
  MainAct& act = main_acts[next];
  act = {{}, now_ns()};
  std::copy_n(name.data(), std::min(name.size(), act.name.size() - 1), act.name.data());
  current_act = next;
}

void catch_signal() {
  const std::string lane =
      world().gather == nullptr ? "main" : fmt::format("rank {}", world().rank);
  std::copy_n(lane.data(), std::min(lane.size(), main_lane.size() - 1), main_lane.data());
  set_main_act("main(), before the first scene");
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
    if (timer_create(CLOCK_MONOTONIC, &event, &timer) == -1) {
      refuse(
          fmt::format("make a timer: {}{}", std::generic_category().message(errno),
                      errno == EAGAIN ? " (raise the limit of pending signals: ulimit -i)" : ""));
    }
    timer_made = true;
  }
  limit = from_now.count();
  fmt::format_to_n(time_given.data(), time_given.size() - 1, "{:g}", limit.load());
  set_timer(limit);
}

void tell_progress() noexcept {
  using namespace detail;
  Arena* a = arena.load();
  if (a == nullptr || limit == 0 || a->ending) return;
  if (is_child()) {
    a->progress = now_ns();  // the timer is its parent's, which looks here before it ends
  } else {
    set_timer(limit);
  }
}

}  // namespace pdc
