// Mapped file: a file used as memory, shared by all, or a copy for each.
//
// Concept   A mapping makes a file a piece of memory. In a shared one, what is written is in the
//           file, and all who map or read it see it; in a private one it is in a copy that nobody
//           else sees. The memory ends where the file does, even if the file is cut later.
// Shows     mmap, MAP_SHARED, MAP_PRIVATE, msync, munmap, ftruncate, F_ADD_SEALS, F_SEAL_SHRINK
// Python    mmap.mmap with ACCESS_WRITE or ACCESS_COPY
// Run       mapped_file --writers 3
// You see   numbers that never reach the file, then all; a reader that a cut kills, or does not
// Next      process_lock is for those who write to the same place

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <span>
#include <thread>
#include <vector>

namespace {

constexpr int all = 6000;  // numbers in the file

/// The numbers of a file as memory. It stays when the file is closed.
struct Mapping {
  Mapping(const pdc::Descriptor& file, std::size_t count, int kind) {
    const std::size_t size = count * sizeof(int);
    void* place = mmap(nullptr, size, PROT_READ | PROT_WRITE, kind, file.get(), 0);
    if (place == MAP_FAILED) pdc::throw_errno("mmap");
    numbers = {static_cast<int*>(place), count};
  }
  Mapping(const Mapping&) = delete;
  ~Mapping() { munmap(numbers.data(), numbers.size_bytes()); }

  std::span<int> numbers;
};

/// In memory, so that no killed process leaves it behind. Full of zeros.
pdc::Descriptor make_file(std::size_t count) {
  const int file = pdc::posix(memfd_create("", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create");
  pdc::posix(ftruncate(file, static_cast<off_t>(count * sizeof(int))), "ftruncate");
  return pdc::Descriptor(file);
}

struct Written {
  int by_writers = 0, in_file = 0, in_mapping = 0;
};

/// Each writer maps the file and writes its share of the numbers. The parent looks afterwards.
Written write_all(int kind, int writers) {
  const pdc::Descriptor file = make_file(all);
  const Mapping seen(file, all, MAP_SHARED);
  const pdc::Shared<std::atomic<int>> written(0);
  std::vector<pdc::Child> children;
  for (int writer = 0; writer < writers; ++writer)
    children.emplace_back([&, writer, lane = pdc::Lane("writer {}", writer)] {
      const Mapping mapping(file, all, kind);
      const std::span<int> numbers = mapping.numbers;
      const auto work = lane.work("writes");
      for (int i = writer; i < all; i += writers) numbers[i] = i + 1;
      pdc::posix(msync(numbers.data(), numbers.size_bytes(), MS_SYNC), "msync");
      std::this_thread::sleep_for(std::chrono::milliseconds(3));  // plays more work
      for (int i = writer; i < all; i += writers) *written += numbers[i] == i + 1;
    });
  children.clear();  // waits for all
  Written found{*written};
  std::vector<int> numbers(all);
  pdc::posix(pread(file.get(), numbers.data(), all * sizeof(int), 0), "pread");
  for (int i = 0; i < all; ++i) {
    found.in_file += numbers[i] == i + 1;
    found.in_mapping += seen.numbers[i] == i + 1;
  }
  if (found.in_file < all) pdc::fault("not in the file");
  return found;
}

/// Wrong on purpose: whoever has the file may cut it.
void trust_all(const pdc::Descriptor&) {}

/// From now on it does not get shorter. Files in memory have this, those on a disk have not.
void forbid_to_cut(const pdc::Descriptor& file) {
  pdc::posix(fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK), "fcntl");
}

struct Cut {
  int error, pages;  // pages: that were read
  pdc::Exit reader;
};

Cut cut_while_mapped(void (*protect)(const pdc::Descriptor&)) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / sizeof(int);
  const pdc::Descriptor file = make_file(2 * page);
  protect(file);
  const pdc::Shared<std::atomic<int>> pages(0);
  pdc::Child reader([&, lane = pdc::Lane("reader")] {
    prctl(PR_SET_DUMPABLE, 0);  // or its end might leave a core file
    signal(SIGBUS, SIG_DFL);    // or a sanitizer would catch it
    const Mapping mapping(file, 2 * page, MAP_SHARED);
    raise(SIGSTOP);  // says that it has mapped the file
    for (const std::size_t first : {std::size_t{0}, page}) {
      const auto work = lane.work("page");
      std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays the reading of all of it
      *pages += mapping.numbers[first] == 0;
    }
  });
  pdc::await_stop(reader.pid());  // forced: it is cut after it was mapped, and before it is read
  const int error = ftruncate(file.get(), sysconf(_SC_PAGESIZE)) == 0 ? 0 : errno;
  pdc::mark(error == 0 ? "cut" : "not cut");
  kill(reader.pid(), SIGCONT);
  const pdc::Exit end = reader.wait();
  if (!end.good()) pdc::fault("killed");
  return {error, *pages, end};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"writers", 3, "processes", {1, 64}}});
  const int writers = program.integer("writers");
  // Wrong on purpose: each writes to a copy of its own.
  const auto lost = program.scene("a private mapping", write_all, MAP_PRIVATE, writers);
  const auto kept = program.scene("a shared mapping", write_all, MAP_SHARED, writers);
  const auto cut = program.scene("the file is cut", cut_while_mapped, trust_all);
  const auto sealed = program.scene("it cannot be cut", cut_while_mapped, forbid_to_cut);

  pdc::check(lost.by_writers == all && lost.in_file == 0,
             "what is written to a private mapping never reaches the file", "{} of {}",
             lost.in_file, all);
  pdc::check(kept.in_file == all && kept.in_mapping == all,
             "what is written to a shared mapping is in the file, and in its other mappings",
             "{} and {} of {}", kept.in_file, kept.in_mapping, all);
  pdc::check(cut.reader.signal == SIGBUS && cut.pages == 1,
             "a process that reads a mapping beyond the end of its file is killed", "{}",
             cut.reader.text());
  pdc::check(sealed.error == EPERM && sealed.pages == 2,
             "a mapping of a file that must not shrink is read to its end", "{} of 2 pages",
             sealed.pages);
  return program.finish();
}
