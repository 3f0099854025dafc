// Separate memory: what a child process writes stays with the child.
//
// Concept   fork gives the child a copy of every variable, under the same address. From then on
//           each writes its own, so results have to be sent. The copy costs little: both use the
//           same memory until one writes, and then only the page in question is copied.
// Shows     pdc::Pipe, write, read, pread on /proc/self/pagemap
// Python    multiprocessing.Process, whose children have variables of their own, too
// Run       separate_memory --numbers 6
// You see   results that stay with the children, the same ones sent by pipe, half a block copied
// Next      shared_memory lets children write where the parent reads; pipe has more about pipes

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace {

using Numbers = std::vector<std::int64_t>;

/// Place 0 is for the sum 1 + 2 + ... + n.
void add_list(Numbers& results) {
  for (std::int64_t k = 1; k < std::ssize(results); ++k) results[0] += k;
}

/// Places 1 to n are for the vector (1, 2, ..., n) plus the vector (n, ..., 2, 1).
void add_vectors(Numbers& results) {
  const std::int64_t n = std::ssize(results) - 1;
  for (std::int64_t k = 1; k <= n; ++k) results[static_cast<std::size_t>(k)] = k + (n + 1 - k);
}

std::int64_t count_right(const Numbers& results) {
  const std::int64_t n = std::ssize(results) - 1;
  const int sum_right = results[0] == n * (n + 1) / 2 ? 1 : 0;
  return sum_right + std::count(results.begin() + 1, results.end(), n + 1);
}

/// How many right results the parent has in the end. Wrong on purpose if they are not sent.
std::int64_t compute(int numbers, bool sends) {
  Numbers results(static_cast<std::size_t>(numbers) + 1);
  const std::size_t bytes = results.size() * sizeof results[0];  // up to PIPE_BUF: in one piece
  const pdc::Lane parent("parent");
  pdc::Pipe pipe;
  const auto start = [&](void (*add)(Numbers&), const pdc::Lane& lane) {
    return pdc::Child([&, add, lane] {
      const auto work = lane.work("computes");
      add(results);  // its own, which has the address of the parent's
      if (sends) pdc::posix(write(pipe.write_end.get(), results.data(), bytes), "write");
    });
  };
  pdc::Child sum = start(add_list, pdc::Lane("sum"));
  pdc::Child vector = start(add_vectors, pdc::Lane("vector"));
  pipe.write_end.close();
  const auto wait = parent.wait("the results");
  Numbers part(results.size());
  while (pdc::posix(read(pipe.read_end.get(), part.data(), bytes), "read") > 0) {
    std::ranges::transform(results, part, results.begin(), std::plus());
  }
  return sum.wait().good() && vector.wait().good() ? count_right(results) : -1;
}

constexpr std::int64_t whole = 16384;  // KiB: the block
struct alignas(1 << 16) Chunk {        // some whole pages, however large they are here
  std::array<char, 1 << 16> bytes;
};

/// How much of the block this process has for itself, in KiB: bit 56 says so of each page.
std::int64_t count_own(std::span<const Chunk> block) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> map(block.size_bytes() / page);
  const auto place = reinterpret_cast<std::uintptr_t>(block.data()) / page * sizeof map[0];
  const pdc::Descriptor file(pdc::posix(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), "open"));
  pdc::posix(pread(file.get(), map.data(), map.size() * sizeof map[0], static_cast<off_t>(place)),
             "pread");
  const auto is_own = [](std::uint64_t entry) { return (entry >> 56 & 1) == 1; };
  return std::ranges::count_if(map, is_own) * static_cast<std::int64_t>(page) / 1024;
}

/// What a child has for itself after fork, and after it wrote to half of the block.
std::array<std::int64_t, 2> write_half() {
  std::vector<Chunk> block(whole / 64);
  const pdc::Shared<std::array<std::int64_t, 2>> own;
  pdc::Child writing([&, lane = pdc::Lane("child")] {
    own->front() = count_own(block);
    const auto work = lane.work("writes half of it");
    for (Chunk& chunk : std::span(block).first(block.size() / 2)) chunk.bytes.fill('c');
    own->back() = count_own(block);
  });
  if (!writing.wait().good()) return {-1, -1};
  return *own;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 6, "numbers in each list", {1, 500}}});
  const int numbers = program.integer("numbers"), all = numbers + 1;

  const auto kept = program.scene("keeping the results", compute, numbers, false);
  const auto sent = program.scene("sending the results", compute, numbers, true);
  const auto [at_fork, written] = program.scene("copy on write", write_half);

  pdc::check(kept == 0, "results that the children keep do not come", "{} of {}", kept, all);
  pdc::check(sent == all, "results that are sent do", "{} of {}", sent, all);
  pdc::check(at_fork == 0, "a block is not copied by fork", "{} of {} KiB", at_fork, whole);
  pdc::check(written == whole / 2, "its written half is then, and nothing else", "{} of {} KiB",
             written, whole);
  return program.finish();
}
