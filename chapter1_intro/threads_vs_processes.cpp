// Threads vs processes: what each kind shares, and what it costs to start.
//
// Concept   A thread is a second worker in the same house, a process a second house. A thread uses
//           its parent's memory; a child process begins with a copy of it, and what it writes stays
//           in its copy, unless the memory was shared on purpose. The copy has its price: the more
//           memory the parent uses, the longer a process takes to start. A thread copies nothing.
// Shows     std::jthread, pdc::Child, mmap
// Python    threading.Thread, multiprocessing.Process
// Run       threads_vs_processes --megabytes 64
// You see   whose writes arrive, and what starting costs a small parent and a large one
// Next      lost_update shows what sharing can do; process_creation looks closer at processes

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/mman.h>

#include <memory>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct Unmap {
  void operator()(int* number) const { munmap(number, sizeof *number); }
};
using SharedNumber = std::unique_ptr<int, Unmap>;

/// A number that children forked from now on share with their parent: fork does not copy it.
SharedNumber map_shared() {
  const int flags = MAP_SHARED | MAP_ANONYMOUS;
  void* const memory = mmap(nullptr, sizeof(int), PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) pdc::throw_errno("mmap");
  return SharedNumber(static_cast<int*>(memory));
}

constexpr int before = 41, after = 42;

/// What the parent finds afterwards: in a variable of its own, and in shared memory.
struct Found {
  int own, shared;
};

Found count_in_thread(const pdc::Lane& parent) {
  int own = before;
  const SharedNumber shared = map_shared();
  {
    const auto wait = parent.wait("the thread");
    const std::jthread thread([&, lane = pdc::Lane("thread")] {
      const auto work = lane.work("counts");
      ++own;
      *shared = own;
    });
  }  // ~jthread joins here
  return {own, *shared};
}

Found count_in_process(const pdc::Lane& parent) {
  int own = before;
  const SharedNumber shared = map_shared();
  {
    const auto wait = parent.wait("the process");
    const pdc::Child child([&, lane = pdc::Lane("process")] {
      const auto work = lane.work("counts");
      ++own;  // in the child's copy, which ends with it
      *shared = own;
    });
  }  // ~Child waits here
  return {own, *shared};
}

std::pair<Found, Found> count_both_ways() {
  const pdc::Lane parent("parent");
  const Found by_thread = count_in_thread(parent);
  return {by_thread, count_in_process(parent)};
}

/// How long it takes to start one and see it end, while the parent uses more and more memory.
void measure_starting(pdc::Program& program, std::size_t megabytes) {
  pdc::Curve threads{"a thread", {}}, processes{"a process", {}};
  pdc::say("\n  the parent uses this much more  a thread     a process");
  std::vector<char> memory;
  for (const std::size_t quarters : {0, 1, 2, 4}) {
    const std::size_t size = megabytes * quarters / 4;
    memory.resize(size << 20, 'm');  // written, so that the system has to provide it
    const auto times = pdc::time_in_turns(
        {{"", 1, [] { std::jthread([] {}); }}, {"", 1, [] { pdc::Child([] {}); }}}, 5);
    pdc::say("  {:>23} MiB  {:>10}  {:>12}", size, pdc::time_text(times[0].median),
             pdc::time_text(times[1].median));
    for (const auto& [curve, time] : {std::pair(&threads, times[0]), {&processes, times[1]}}) {
      curve->points.emplace_back(size, 1000 * time.median);
      program.report(fmt::format("{}, {} MiB more", curve->name, size), time.median, "s");
    }
  }
  pdc::plot("to start one and see it end", {"MiB more that the parent uses"}, {"ms"},
            {threads, processes});
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"megabytes", 64, "MiB more that the parent uses in the end", {4, 512}}});

  const auto [thread, process] = program.scene("each counts", count_both_ways);
  measure_starting(program, static_cast<std::size_t>(program.integer("megabytes")));

  pdc::check(thread.own == after && thread.shared == after,
             "a thread counts in its parent's memory", "{} and {}", thread.own, thread.shared);
  pdc::check(process.own == before, "a child process leaves its parent's memory as it was", "{}",
             process.own);
  pdc::check(process.shared == after,
             "a child process begins with a copy, and what it puts into shared memory arrives",
             "{}", process.shared);
  return program.finish();
}
