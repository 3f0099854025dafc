// SPDX-License-Identifier: MIT
#include "pdc/stage.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "pdc/process.hpp"

namespace pdc {
namespace {

static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  std::atomic<pid_t>::is_always_lock_free,
              "it is shared between processes");

void raise(std::atomic<int>& most, int now) noexcept {
  int seen = most.load(std::memory_order_relaxed);
  while (now > seen && !most.compare_exchange_weak(seen, now, std::memory_order_relaxed)) continue;
}

constexpr std::uint32_t round_of(std::uint64_t state) {
  return static_cast<std::uint32_t>(state >> 32);
}
constexpr int here_of(std::uint64_t state) {
  return static_cast<int>(state & 0xffffffff);
}

enum class Sleep : std::uint8_t { no, yes, for_ever };

/// What the kernel does with that thread, of whatever process: S is a sleep that somebody has to
/// end; one that has been woken is R at once, before it runs. See proc(5), /proc/PID/stat.
Sleep sleep_of(pid_t thread) noexcept {
  std::array<char, 512> text;
  *fmt::format_to_n(text.data(), text.size() - 1, "/proc/{}/stat", thread).out = '\0';
  const Descriptor file(open(text.data(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0 && (errno == EMFILE || errno == ENFILE)) throw_errno("open /proc/PID/stat");
  const ssize_t size = file.get() < 0 ? -1 : read(file.get(), text.data(), text.size());
  if (size < 0) return errno == ENOENT || errno == ESRCH ? Sleep::for_ever : Sleep::no;
  const std::string_view stat(text.data(), static_cast<std::size_t>(size));
  const std::size_t name_end = stat.rfind(')');  // of the program, which may have any name
  const char state = name_end + 2 < stat.size() ? stat[name_end + 2] : '?';
  return state == 'S' ? Sleep::yes : state == 'Z' || state == 'X' ? Sleep::for_ever : Sleep::no;
}

/// Takes this thread out of there.
void clear(std::array<std::atomic<pid_t>, Meeting::capacity>& places) noexcept {
  const pid_t me = gettid();
  for (std::atomic<pid_t>& place : places) {
    pid_t who = me;
    place.compare_exchange_strong(who, 0);
  }
}

}  // namespace

void Gauge::enter() noexcept {
  raise(most_, inside_.fetch_add(1, std::memory_order_relaxed) + 1);
}

Meeting::Meeting(int parties) noexcept : parties_(parties) {}

void Meeting::join() noexcept {
  const pid_t me = gettid();
  for (std::atomic<pid_t>& place : joined_) {
    pid_t who = 0;
    if (place.compare_exchange_strong(who, me) || who == me) return;
  }
}

std::atomic<pid_t>& Meeting::stand_outside() noexcept {
  join();
  const pid_t me = gettid();
  for (std::size_t i = 0;; i = (i + 1) % outside_.size()) {
    pid_t nobody = 0;
    if (outside_[i].compare_exchange_strong(nobody, me)) return outside_[i];
  }
}

void Meeting::Outside::end() noexcept {
  pid_t me = gettid();  // unless meet() has taken it away
  if (place_ != nullptr) std::exchange(place_, nullptr)->compare_exchange_strong(me, 0);
  span_.end();
}

void Meeting::leave() noexcept {
  clear(joined_);
  ++left_;
}

std::uint32_t Meeting::come() noexcept {
  return round_of(state_.fetch_add(1));
}

/// How many of the others can certainly not come; fewer where it is not certain.
int Meeting::count_absent(int here) const noexcept {
  const auto is_taken = [](const std::atomic<pid_t>& place) { return place != 0; };
  const auto joined = static_cast<int>(std::ranges::count_if(joined_, is_taken));
  const auto outside = static_cast<int>(std::ranges::count_if(outside_, is_taken));
  int absent = left_;
  if (absent + std::max(joined, here + outside) < parties_) return 0;  // some were never seen yet
  for (const std::atomic<pid_t>& place : joined_) {
    const pid_t who = place;
    if (who != 0 && sleep_of(who) == Sleep::for_ever) ++absent;
  }
  for (const std::atomic<pid_t>& place : outside_) {
    const pid_t who = place;  // a task of this very thread does not run now
    if (who != 0 && (who == gettid() || sleep_of(who) == Sleep::yes)) ++absent;
  }
  return absent;
}

bool Meeting::is_over(std::uint32_t round) noexcept {
  std::uint64_t state = state_;  // first: those who are here stay, whatever becomes of the others
  if (round_of(state) != round) return true;
  const int here = here_of(state);
  if (here < parties_) {
    // Twice: one that slept may have been woken by one that was looked at after it.
    for (int look = 0; look < 2; ++look)
      if (here + count_absent(here) < parties_) return false;
  }
  raise(met_, here);
  return state_.compare_exchange_strong(state, std::uint64_t{round + 1} << 32) ||
         round_of(state) != round;
}

void Meeting::meet() noexcept {
  join();
  clear(outside_);  // it is inside, even if the page did not say so
  for (const std::uint32_t round = come(); !is_over(round);) {
    const timespec moment{0, 50'000};
    nanosleep(&moment, nullptr);  // orders nothing: asks again
  }
}

}  // namespace pdc
