// Thread names: give each thread a name, and find it in the kernel's list.
//
// Concept   Debuggers, `top -H` and crash reports tell threads apart by name. A thread begins with
//           the name of the one that started it, so those that take none all look alike. To the
//           kernel a thread is a number and a name of at most 15 bytes.
// Shows     pthread_setname_np, pthread_self, gettid, std::this_thread::get_id, std::jthread
// Python    threading.current_thread().name
// Run       thread_names --threads 4
// You see   threads that carry their parent's name, threads that carry their own, a name too long
// Next      threads starts them and hands them arguments; machine shows where they may run

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t longest_name = 15;  // bytes

/// What the kernel calls a thread of this process.
std::string name_in_kernel(pid_t thread) {
  std::ifstream file(fmt::format("/proc/self/task/{}/comm", thread));
  std::string name;
  std::getline(file, name);
  return name;
}

/// Wrong on purpose: the thread goes by the name that it was born with.
void keep_name(const std::string&) {}

void take_name(const std::string& name) {
  const int error = pthread_setname_np(pthread_self(), name.c_str());
  if (error != 0) throw std::system_error(error, std::generic_category(), "pthread_setname_np");
}

struct Self {
  pid_t number = 0;
  std::thread::id id = {};
};

struct Roll {
  int born_with = 0, own = 0, known = 0;  // names, names, ids
};

/// Asks the kernel while the threads live: it forgets those that have ended.
Roll call_roll(int threads, void (*introduce)(const std::string&)) {
  std::vector<Self> selves(threads);
  pdc::Meeting roll_call(threads + 1);  // begins when all are here, and ends when all are called
  const pdc::Lane parent("parent");
  std::vector<std::jthread> workers;
  for (int i = 0; i < threads; ++i) {
    workers.emplace_back([&, i, lane = pdc::Lane("worker {}", i)] {
      const auto work = lane.work("is thread {}", gettid());
      introduce(fmt::format("worker {}", i));
      selves[i] = {gettid(), std::this_thread::get_id()};
      roll_call.meet();
      roll_call.meet();
    });
  }
  roll_call.meet();
  const auto work = parent.work("calls the roll");
  Roll roll;
  for (int i = 0; i < threads; ++i) {
    const std::string name = name_in_kernel(selves[i].number);
    pdc::say("thread {}: {}", selves[i].number, name);
    if (name == name_in_kernel(gettid())) ++roll.born_with;
    if (name == fmt::format("worker {}", i)) ++roll.own;
    if (selves[i].id == workers[i].get_id()) ++roll.known;
  }
  roll_call.meet();
  return roll;
}  // ~jthread joins each

struct Attempt {
  int error = 0;
  std::string name_after;
};

Attempt try_name(const std::string& name) {
  Attempt attempt;
  std::jthread trying([&, lane = pdc::Lane("{} bytes", name.size())] {
    auto work = lane.work("asks");
    take_name("short");
    attempt.error = pthread_setname_np(pthread_self(), name.c_str());
    attempt.name_after = name_in_kernel(gettid());
    work.rename("{}", attempt.error == 0 ? "accepted" : "refused");
  });
  trying.join();
  pdc::say("short, then {}: {}", name, attempt.name_after);
  return attempt;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"threads", 4, "threads to tell apart", {2, 64}}});
  const int threads = program.integer("threads");
  const std::string fitting(longest_name, 'x');

  const Roll born = program.scene("the name they are born with", call_roll, threads, keep_name);
  const Roll named = program.scene("a name of their own", call_roll, threads, take_name);
  const auto [fits, too_long] = program.scene("the longest name, and one byte more", [&] {
    return std::pair{try_name(fitting), try_name(fitting + 'x')};  // braces: in this order
  });

  pdc::check(born.born_with == threads, "a thread without a name of its own has its parent's",
             "{} of {}", born.born_with, threads);
  pdc::check(named.own == threads, "the kernel has the name that each thread took", "{} of {}",
             named.own, threads);
  pdc::check(named.known == threads, "each thread knows itself by the id that its parent knows",
             "{} of {}", named.known, threads);
  pdc::check(fits.error == 0 && fits.name_after == fitting, "a name of 15 bytes fits", "{}",
             fits.name_after);
  pdc::check(too_long.error == ERANGE && too_long.name_after == "short",
             "a name of 16 bytes is refused with ERANGE, and the old name stays", "{}",
             too_long.name_after);
  return program.finish();
}
