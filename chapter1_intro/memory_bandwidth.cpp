// Memory bandwidth: what one thread and all get of the memory, and what a new page costs.
//
// Concept   Cores compute apart, but they share the memory: once it delivers all it can, another
//           thread gains nothing. And new memory is not there yet: the first touch of each page is
//           a page fault, in which the system finds memory and clears it. To use memory again costs
//           no fault, and shows what the memory can do.
// Shows     getrusage, mmap, madvise, std::jthread
// Python    resource.getrusage, whose ru_minflt counts the faults
// Run       memory_bandwidth --megabytes 64
// You see   the faults of two copies, and how many GB/s one thread and all threads move
// Next      loop_order uses all of what is fetched; task_parallelism shares out operations

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

namespace {

using Bytes = std::vector<char>;

struct Unmap {
  std::size_t bytes;
  void operator()(char* memory) const { munmap(memory, bytes); }
};
using Fresh = std::unique_ptr<char[], Unmap>;

/// New memory, of which no page has been touched.
Fresh map_fresh(std::size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) pdc::throw_errno("mmap");
  madvise(memory, bytes, MADV_NOHUGEPAGE);  // small pages; fails where there are no others
  return Fresh(static_cast<char*>(memory), {bytes});
}

/// How often the system has stopped this thread to give it a page.
std::int64_t count_faults() {
  rusage usage{};
  pdc::posix(getrusage(RUSAGE_THREAD, &usage), "getrusage");
  return usage.ru_minflt;
}

struct Faults {
  std::int64_t first, again;
};

Faults copy_twice(const Bytes& from) {
  const pdc::Lane lane("main");
  const Fresh to = map_fresh(from.size());
  const auto copy = [&](const char* pages) {
    const auto work = lane.work("{}", pages);
    const std::int64_t before = count_faults();
    std::memcpy(to.get(), from.data(), from.size());
    return count_faults() - before;
  };
  return {copy("new pages"), copy("again")};  // from left to right, as braces promise
}

void copy_shared_out(const Bytes& from, Bytes& to, int threads) {
  std::vector<std::jthread> copying;
  const auto n = static_cast<std::size_t>(threads);
  for (std::size_t i = 0; i < n; ++i) {
    copying.emplace_back([&, i, n, lane = pdc::Lane("thread {}", i)] {
      const auto work = lane.work("part {}", i);
      const std::size_t first = from.size() * i / n, last = from.size() * (i + 1) / n;
      std::memcpy(&to[first], &from[first], last - first);
    });
  }
}  // ~jthread joins each

/// Pages that have been touched before, by more and more threads.
void measure_bandwidth(pdc::Program& program, const Bytes& from, Bytes& to, int all) {
  std::vector<pdc::Variant> variants;
  for (int n = 1; n < 2 * all; n *= 2) {
    const int threads = std::min(n, all);
    variants.push_back({"copy", threads, [&, threads] { copy_shared_out(from, to, threads); }});
  }
  const std::vector<pdc::Timing> timings = pdc::time_in_turns(variants);
  pdc::Curve measured{"copied", {}}, ideal{"N times one thread", {}, true};
  pdc::say("\n  threads   memory moved, read and written");
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const auto speed = [&](double time) { return 2e-9 * static_cast<double>(from.size()) / time; };
    const auto& [median, lowest, highest] = timings[i];
    const int n = variants[i].workers;
    pdc::say("  {:>7}   {:.1f} GB/s  ({:.1f} to {:.1f})", n, speed(median), speed(highest),
             speed(lowest));
    program.report(fmt::format("memory moved by {} threads", n), speed(median), "GB/s");
    measured.points.emplace_back(n, speed(median));
    ideal.points.emplace_back(n, n * speed(timings[0].median));
  }
  pdc::plot("what more threads move", {"threads"}, {"GB/s"}, {measured, ideal});
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"megabytes", 64, "MiB to copy", {2, 512}}});
  const Bytes from(static_cast<std::size_t>(program.integer("megabytes")) << 20, 'm');
  Bytes to(from.size());
  const int threads = std::max(2, static_cast<int>(std::thread::hardware_concurrency()));

  const Faults faults = program.scene("a copy by one thread", copy_twice, from);
  program.scene("a copy by all threads", copy_shared_out, from, to, threads);
  const bool is_copied = from == to;
  measure_bandwidth(program, from, to, threads);

  const std::int64_t pages = std::ssize(from) / sysconf(_SC_PAGESIZE);
  pdc::check(is_copied, "the threads have copied all of it, a part each", "{} threads", threads);
  pdc::check(faults.first >= pages, "the first touch of each page costs a fault", "{} for {} pages",
             faults.first, pages);
  pdc::check(faults.again <= pages / 100, "hardly a page that is used again costs a fault",
             "{} for {} pages", faults.again, pages);
  return program.finish();
}
