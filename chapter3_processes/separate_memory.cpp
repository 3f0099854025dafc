// Separate memory: what a child process writes stays with the child.
//
// Concept   fork gives the child a copy of every variable, under the same address. From then on
//           each writes its own, so results have to be sent. The copy costs little: both use the
//           same memory until one writes, and then only the page in question is copied.
// Shows     pdc::Pipe, write, read, /proc/self/pagemap
// Python    multiprocessing.Process, whose children have variables of their own, too
// Run       separate_memory --numbers 6
// You see   results that stay with the child, the same ones sent by pipe, half a block copied
// Next      shared_memory lets a child write where the parent reads; pipe has more about pipes

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

namespace {

/// Writes all of it: one call may take a part, or be interrupted before it takes any.
void write_all(int file, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1) throw std::system_error(errno, std::generic_category(), "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

/// Fills the place. False if the stream ends before: its writer is gone.
bool read_all(int file, std::span<std::byte> place) {
  while (!place.empty()) {
    const ssize_t got = read(file, place.data(), place.size());
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) throw std::system_error(errno, std::generic_category(), "read");
    if (got == 0) return false;
    place = place.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

using Numbers = std::vector<std::int64_t>;

/// The vector (1, 2, ..., n) plus the vector (n, ..., 2, 1).
void add_vectors(Numbers& sums) {
  const std::int64_t n = std::ssize(sums);
  for (std::int64_t k = 1; k <= n; ++k) sums[static_cast<std::size_t>(k - 1)] = k + (n + 1 - k);
}

std::int64_t count_right(const Numbers& sums) {
  return std::ranges::count(sums, std::ssize(sums) + 1);
}

/// Wrong on purpose: what the child computes stays in its copy, which ends with it.
std::int64_t keep_results(std::size_t n) {
  Numbers sums(n);
  pdc::Child child([&, lane = pdc::Lane("child")] {
    const auto work = lane.work("computes");
    add_vectors(sums);  // at the address of the parent's
  });
  const auto wait = pdc::Lane("parent").wait("the child");
  child.wait();
  if (count_right(sums) == 0) pdc::fault("no result came");
  return count_right(sums);
}

std::int64_t send_results(std::size_t n) {
  Numbers sums(n);
  pdc::Pipe pipe;
  const pdc::Child child([&, lane = pdc::Lane("child")] {
    pipe.read_end.close();     // or the child would have a reader for ever: itself
    signal(SIGPIPE, SIG_DFL);  // then a write that nobody reads ends the child
    auto work = lane.work("computes");
    add_vectors(sums);  // in its copy, here too
    work.end();
    const auto send = lane.send("results");
    write_all(pipe.write_end.get(), std::as_bytes(std::span(sums)));
  });
  pipe.write_end.close();  // now only the child has one: if it dies, the stream ends
  const pdc::Descriptor read_end = std::move(pipe.read_end);  // closes first, then ~Child waits
  const auto receive = pdc::Lane("parent").receive("results");
  if (!read_all(read_end.get(), std::as_writable_bytes(std::span(sums)))) return 0;  // it died
  return count_right(sums);
}

constexpr std::int64_t whole = 1024;  // KiB: the block
struct alignas(1 << 16) Chunk {       // some whole pages, however large they are here
  std::array<char, 1 << 16> bytes;
};

/// How much of the block this process has for itself, in KiB: bit 56 says so of each page.
std::int64_t count_own(std::span<const Chunk> block) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  std::vector<std::uint64_t> map(block.size_bytes() / page);
  const auto place = reinterpret_cast<std::uintptr_t>(block.data()) / page * sizeof map[0];
  const pdc::Descriptor file(pdc::posix(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), "open"));
  pdc::posix(lseek(file.get(), static_cast<off_t>(place), SEEK_SET), "lseek");
  if (!read_all(file.get(), std::as_writable_bytes(std::span(map)))) return -1;
  const auto is_own = [](std::uint64_t entry) { return (entry >> 56 & 1) == 1; };
  return std::ranges::count_if(map, is_own) * static_cast<std::int64_t>(page) / 1024;
}

/// What a child has of its parent's block for itself: after fork, and after it wrote to one half.
std::array<std::int64_t, 2> write_half() {
  std::vector<Chunk> block(whole / 64);
  madvise(block.data(), whole * 1024, MADV_NOHUGEPAGE);  // old kernels copy huge ones as a whole
  mlock(block.data(), whole * 1024);  // if allowed: a page that is swapped out is nobody's own
  const pdc::Shared<std::array<std::int64_t, 2>> own(std::array<std::int64_t, 2>{-1, -1});
  pdc::Child([&, lane = pdc::Lane("child")] {
    own->front() = count_own(block);
    const auto work = lane.work("writes half of it");
    for (Chunk& chunk : std::span(block).first(block.size() / 2)) chunk.bytes.fill('c');
    own->back() = count_own(block);
  }).wait();
  return *own;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"numbers", 6, "numbers in each vector", {1, 1'000'000}}});
  const int all = program.integer("numbers");
  const auto n = static_cast<std::size_t>(all);

  const auto kept = program.scene("keeping the results", keep_results, n);
  const auto sent = program.scene("sending the results", send_results, n);
  const auto [at_fork, written] = program.scene("copy on write", write_half);

  pdc::check(kept == 0, "results that the child keeps do not come to the parent", "{} of {}", kept,
             all);
  pdc::check(sent == all, "results that the child sends come to the parent", "{} of {}", sent, all);
  pdc::check(at_fork == 0, "fork copies nothing of a block of memory", "{} of {} KiB", at_fork,
             whole);
  pdc::check(written == whole / 2, "a child that writes to half of a block has a copy of that half",
             "{} of {} KiB", written, whole);
  return program.finish();
}
