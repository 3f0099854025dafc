// Memory bandwidth: what one thread and all get of the memory, and what a new page costs.
//
// Concept   Cores compute apart, but they share the memory: once it delivers all it can, another
//           thread gains nothing. And new memory is not there yet: the first touch of each page is
//           a page fault, in which the system finds memory and clears it. To use memory again costs
//           no fault, and a huge page costs one in the place of hundreds.
// Shows     getrusage, mmap, madvise, std::jthread
// Python    resource.getrusage, whose ru_minflt counts the faults
// Run       memory_bandwidth --megabytes 64
// You see   the faults of three copies, and how many GB/s one thread and all threads move
// Next      task_parallelism shares out operations; flynn uses several elements at once

// SPDX-License-Identifier: MIT
#include "pdc/measure.hpp"
#include "pdc/plot.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr auto about_huge_pages = "/sys/kernel/mm/transparent_hugepage";  // if there are any
using Bytes = std::vector<char>;

struct Unmap {
  std::size_t bytes;
  void operator()(char* memory) const { munmap(memory, bytes); }
};
using Fresh = std::unique_ptr<char[], Unmap>;

/// New memory, of which no page has been touched. Advice: MADV_HUGEPAGE or MADV_NOHUGEPAGE.
Fresh map_fresh(std::size_t bytes, int advice) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
  if (memory == MAP_FAILED) pdc::throw_errno("mmap");
  madvise(memory, bytes, advice);  // fails where there are no huge pages at all
  return Fresh(static_cast<char*>(memory), {bytes});
}

/// How many bytes of it the kernel says are in huge pages; -1 if it was not asked for any.
std::int64_t count_huge(const Fresh& memory) {
  std::ifstream maps("/proc/self/smaps");
  std::string line;
  const std::string begin = fmt::format("{}-", static_cast<void*>(memory.get())).substr(2);
  while (std::getline(maps, line) && !line.starts_with(begin)) {
    // not yet at the lines about this memory
  }
  std::int64_t huge = 0;
  while (std::getline(maps, line) && !line.starts_with("VmFlags:")) {
    if (line.starts_with("AnonHugePages:")) huge = std::stol(line.substr(14)) * 1024;
  }
  return line.find(" hg") == std::string::npos ? -1 : huge;
}

/// How often the system has stopped this thread to give it a page.
std::int64_t count_faults() {
  rusage usage{};
  pdc::posix(getrusage(RUSAGE_THREAD, &usage), "getrusage");
  return usage.ru_minflt;
}

struct Seen {
  std::int64_t first, again, huge;  // faults
  std::int64_t huge_bytes;
};

Seen copy_three_times(const Bytes& from) {
  const pdc::Lane lane("main");
  const auto copy = [&](const Fresh& to, const char* what) {
    const auto work = lane.work("{}", what);
    const std::int64_t before = count_faults();
    std::memcpy(to.get(), from.data(), from.size());
    return count_faults() - before;
  };
  const Fresh small = map_fresh(from.size(), MADV_NOHUGEPAGE);
  const Fresh huge = map_fresh(from.size(), MADV_HUGEPAGE);
  return {copy(small, "new pages"), copy(small, "again"), copy(huge, "huge pages"),
          count_huge(huge)};  // from left to right, as braces promise
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

  const Seen seen = program.scene("a copy by one thread", copy_three_times, from);
  program.scene("a copy by all threads", copy_shared_out, from, to, threads);
  const bool is_copied = from == to;
  measure_bandwidth(program, from, to, threads);

  const std::int64_t pages = std::ssize(from) / sysconf(_SC_PAGESIZE), few = pages / 100;
  const std::int64_t in_huge = std::max<std::int64_t>(seen.huge_bytes, 0) / sysconf(_SC_PAGESIZE);
  if (in_huge == 0) pdc::say("the kernel gave no huge pages, see {}/enabled", about_huge_pages);
  pdc::check(is_copied, "the threads have copied all of it, a part each", "{} threads", threads);
  pdc::check(seen.first >= pages, "the first touch of each page costs a fault", "{} for {} pages",
             seen.first, pages);
  pdc::check(seen.again <= few, "hardly a page that is used again costs a fault", "{} for {} pages",
             seen.again, pages);
  pdc::check((seen.huge_bytes >= 0) == std::filesystem::exists(about_huge_pages),
             "the kernel has been asked for huge pages, if it has any");
  pdc::check(seen.first - seen.huge >= in_huge - few,
             "a page that is part of a huge one costs no fault of its own",
             "{} for {} pages, {} of them in huge ones", seen.huge, pages, in_huge);
  return program.finish();
}
