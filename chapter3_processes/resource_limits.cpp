// Resource limits: a child gets so much of the machine, and no more.
//
// Concept   A process gets what it asks for as long as the machine has it, and the others get what is
//           left. With a limit, what would be too much fails with an error, or a signal ends the
//           process. A child sets its limits itself, before it works; its parent keeps its own.
// Shows     setrlimit, getrlimit, wait4, mmap, memfd_create, dup, signal
// Python    resource.setrlimit
// Run       resource_limits --limit 16
// You see   children that take all they ask for; the same ones, told or killed at the limit
// Next      separate_memory hides from a parent what its child writes; process_lock outlives a kill

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <vector>

namespace {

constexpr rlim_t kib = 1024, mib = 1024 * kib;
constexpr int asked = 64;  // units, of each child

bool take_memory() {  // one unit more; or false, and errno says why
  constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
  return mmap(nullptr, mib, PROT_READ | PROT_WRITE, flags, -1, 0) != MAP_FAILED;
}

bool take_descriptor() {
  return dup(STDIN_FILENO) != -1;
}

bool take_file() {
  static const int file = pdc::posix(memfd_create("file", MFD_CLOEXEC), "memfd_create");
  static const char block[kib] = {};
  return write(file, block, kib) != -1;
}

/// What a child wants more and more of.
struct Want {
  const char* what;
  int resource;
  rlim_t unit;
  bool (*take)();
  sighandler_t on_excess = SIG_DFL;  // SIGXFSZ, of a file that gets too long
};

const std::vector<Want> wants = {{"memory", RLIMIT_AS, mib, take_memory},
                                 {"descriptors", RLIMIT_NOFILE, 1, take_descriptor},
                                 {"file", RLIMIT_FSIZE, kib, take_file},
                                 {"file, told", RLIMIT_FSIZE, kib, take_file, SIG_IGN}};

/// What counts for the limit before the child takes anything.
rlim_t in_use(const Want& want) {
  if (want.resource != RLIMIT_AS) return 0;
  rlim_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;  // the first number: address space
  return pages * static_cast<rlim_t>(getpagesize());
}

void set_limit(const Want& want, rlim_t units) {
  const rlim_t most = in_use(want) + units * want.unit;
  const rlimit limit{most, most};  // soft and hard: only the privileged can raise it again
  pdc::posix(setrlimit(want.resource, &limit), "setrlimit");
}

/// Wrong on purpose: nothing but the machine is a limit.
void set_none(const Want&, rlim_t) {}

struct Ending {
  int taken = 0, error = 0, signal = 0;
  double memory = 0;  // that it had at most, in MiB
};

Ending run(const Want& want, decltype(set_limit) set, rlim_t units) {
  const pdc::Shared<Ending> ending;
  const auto work = pdc::Lane("{}", want.what).work("asks for {}", asked);
  const pid_t parent = getpid(), child = pdc::posix(fork(), "fork");
  if (child == 0) {
    pdc::die_with(parent);
    prctl(PR_SET_DUMPABLE, 0);  // SIGXFSZ would leave a core file
    signal(SIGXFSZ, want.on_excess);
    set(want, units);
    while (ending->taken < asked && want.take()) ++ending->taken;
    if (ending->taken < asked) ending->error = errno;
    _exit(0);
  }
  int state = 0;
  rusage usage{};
  while (wait4(child, &state, 0, &usage) == -1 && errno == EINTR) continue;
  ending->memory = static_cast<double>(usage.ru_maxrss) / kib;  // is in KiB
  ending->signal = WIFSIGNALED(state) ? WTERMSIG(state) : 0;
  if (ending->taken == asked) pdc::fault("takes all");
  if (ending->error != 0) pdc::mark(strerrorname_np(ending->error));
  if (ending->signal != 0) pdc::mark("killed");
  return *ending;
}

std::vector<Ending> run_all(decltype(set_limit) set, rlim_t units) {
  std::vector<Ending> endings;
  for (const Want& want : wants) endings.push_back(run(want, set, units));
  return endings;
}

/// Those of this process, to which whoever started it may have left less than it needs.
std::vector<rlim_t> own_limits(rlim_t needed) {
  std::vector<rlim_t> limits;
  for (const Want& want : wants) {
    rlimit own{};
    pdc::posix(getrlimit(want.resource, &own), "getrlimit");
    if (own.rlim_cur < in_use(want) + needed * want.unit)
      pdc::refuse(fmt::format("{}: limited to {} already (see ulimit)", want.what, own.rlim_cur));
    limits.insert(limits.end(), {own.rlim_cur, own.rlim_max});
  }
  return limits;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"limit", 16, "units that a child may have", {4, 48}}});
  const int limit = program.integer("limit");
  const std::vector<rlim_t> before = own_limits(2 * asked);
  const auto without = program.scene("without limits", run_all, set_none, limit);
  const auto with = program.scene("with limits", run_all, set_limit, limit);

  const auto told = [&](const Ending& child) { return child.taken <= limit ? child.error : 0; };
  const bool all = std::ranges::count(without, asked, &Ending::taken) == std::ssize(wants);
  pdc::check(all, "without a limit each child takes all that it asks for", "{} units", asked);
  pdc::check(told(with[0]) == ENOMEM, "a child at its limit of memory is told by ENOMEM",
             "{} of {} MiB", with[0].taken, asked);
  pdc::check(told(with[1]) == EMFILE, "a child at its limit of descriptors is told by EMFILE");
  pdc::check(with[2].signal == SIGXFSZ && with[2].taken == limit,
             "a child whose file is at its limit is killed");
  pdc::check(told(with[3]) == EFBIG, "a child that ignores SIGXFSZ is told by EFBIG");
  pdc::check(with[0].memory < without[0].memory, "a child with a limit never had as much memory",
             "{:.1f} MiB and {:.1f} MiB", with[0].memory, without[0].memory);
  pdc::check(own_limits(0) == before, "the limits of the parent are what they were");
  return program.finish();
}
