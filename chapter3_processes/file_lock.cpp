// File lock: one process at a time reads a file, changes it, and writes it back.
//
// Concept   Two programs that read a file, add to it, and write it back lose what the other wrote
//           meanwhile. A lock from the reading to the writing keeps out all who ask for it. Let it
//           belong to the open file: a lock of the process is lost as soon as any code of that
//           process, be it a library's, closes the file.
// Shows     fcntl, F_OFD_SETLKW, F_SETLKW, F_WRLCK, F_RDLCK, memfd_create
// Python    fcntl.flock, fcntl.lockf, os.replace
// Run       file_lock --writers 3
// You see   without a lock 1 of 3 entries is kept, with a lock that is lost 1, with one that stays 3;
//           a reader between the halves of a change, and one that waits for the whole
// Next      process_lock is for shared memory, and says that its owner was killed

// SPDX-License-Identifier: MIT
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace {

/// Locks all of the file: F_RDLCK for readers, F_WRLCK for one writer. Closing the file unlocks it.
void set_lock(const pdc::Descriptor& file, int command, short use) {
  struct flock all {};  // from 0, and 0 bytes long: to the end, wherever that is
  all.l_type = use;
  while (fcntl(file.get(), command, &all) == -1)  // waits while another has it
    if (errno != EINTR) pdc::throw_errno("fcntl");
}

void lock_open_file(const pdc::Descriptor& file, short use) {
  set_lock(file, F_OFD_SETLKW, use);
}

/// Wrong on purpose: it belongs to the process, and goes when the process closes the file anywhere.
void lock_for_process(const pdc::Descriptor& file, short use) {
  set_lock(file, F_SETLKW, use);
}

/// Wrong on purpose: nobody is kept out.
void lock_nothing(const pdc::Descriptor&, short) {}

using Lock = decltype(lock_open_file)*;

/// A file in memory, which no killed process can leave behind. It has a name in /proc, so that it
/// can be opened again: everyone who opens it has an open file of their own.
struct Ledger {
  Ledger(const std::string& text, int parties) : meeting(parties) {
    pdc::posix(write(kept.get(), text.data(), text.size()), "write");
  }
  pdc::Descriptor open_again() const {
    const std::string name = fmt::format("/proc/self/fd/{}", kept.get());
    return pdc::Descriptor(pdc::posix(open(name.c_str(), O_RDWR | O_CLOEXEC), "open"));
  }
  pdc::Descriptor kept{pdc::posix(memfd_create("ledger", MFD_CLOEXEC), "memfd_create")};
  pdc::Meeting meeting;
};

/// As a library might: opens the file, reads, and closes it. There a lock of the process ends.
std::string read_all(const Ledger& ledger) {
  const pdc::Descriptor file = ledger.open_again();
  std::string text(32, ' ');  // room for all
  text.resize(pdc::posix(read(file.get(), text.data(), text.size()), "read"));
  return text;
}

void add_entry(Ledger& ledger, char entry, Lock lock, const pdc::Lane& lane) {
  const pdc::Descriptor file = ledger.open_again();
  auto wait = ledger.meeting.wait_outside(lane, "lock");
  lock(file, F_WRLCK);
  wait.end();
  const std::string seen = read_all(ledger), text = seen + entry;
  const auto update = lane.hold("reads '{}', writes '{}'", seen, text);
  ledger.meeting.meet();  // forced: nobody writes before all have read who can
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the editing
  pdc::posix(pwrite(file.get(), text.data(), text.size(), 0), "pwrite");
}  // ~Descriptor closes the file, which unlocks it

/// Each adds a letter. Returns what is in the file then.
std::string add_all(int writers, Lock lock) {
  const pdc::Shared<Ledger> ledger("", writers);
  std::vector<pdc::Child> children;
  for (int i = 0; i < writers; ++i)
    children.emplace_back([&, i, lane = pdc::Lane("writer {}", i)] {
      add_entry(*ledger, static_cast<char>('A' + i), lock, lane);
    });
  for (int i = 0; i < writers; ++i)
    if (!children[pdc::next_to_end(children)].wait().good())
      pdc::require(false, "every writer came to its end");
  const std::string kept = read_all(*ledger);
  if (std::ssize(kept) < writers) pdc::fault("entries lost");
  return kept;
}

/// One replaces both words of the file; another looks at it between the two, if it can.
std::string read_half_way(Lock lock) {
  const pdc::Shared<Ledger> ledger("old old", 2);
  pdc::Child writer([&, lane = pdc::Lane("writer")] {
    const pdc::Descriptor file = ledger->open_again();
    lock_open_file(file, F_WRLCK);
    const auto update = lane.hold("writes 'new', and 'new'");
    pdc::posix(pwrite(file.get(), "new", 3, 0), "pwrite");
    ledger->meeting.meet();  // forced: the reader does not come before this
    ledger->meeting.meet();  // forced: it has read, or sleeps until the lock is free
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // plays the writing of more
    pdc::posix(pwrite(file.get(), "new", 3, 4), "pwrite");
  });
  const pdc::Lane reader("reader");
  ledger->meeting.meet();
  const pdc::Descriptor file = ledger->open_again();
  auto wait = ledger->meeting.wait_outside(reader, "lock");
  lock(file, F_RDLCK);
  wait.end();
  const std::string text = read_all(*ledger);
  const auto look = reader.hold("reads '{}'", text);
  if (text != "new new") pdc::fault("reads half");
  ledger->meeting.meet();
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"writers", 3, "that add a letter each", {2, 26}}});
  const int writers = program.integer("writers");

  const auto without = program.scene("without a lock", add_all, writers, lock_nothing);
  const auto lost = program.scene("a lock of the process", add_all, writers, lock_for_process);
  const auto with = program.scene("a lock of the open file", add_all, writers, lock_open_file);
  const auto half = program.scene("a reader without a lock", read_half_way, lock_nothing);
  const auto whole = program.scene("a reader with a lock", read_half_way, lock_open_file);

  pdc::check(without.size() == 1, "without a lock one entry is kept, the others are lost",
             "{} of {}", without.size(), writers);
  pdc::check(lost.size() == 1, "a lock of the process is lost when it closes the file anywhere",
             "{} of {}", lost.size(), writers);
  pdc::check(std::ssize(with) == writers, "with a lock of the open file every entry is kept",
             "{} of {}", with.size(), writers);
  pdc::check(half == "new old", "a reader without a lock can see half a change", "'{}'", half);
  pdc::check(whole == "new new", "a reader with a lock sees a change whole", "'{}'", whole);
  return program.finish();
}
