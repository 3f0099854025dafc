// Journal: what is written before it is acknowledged survives the end of the program.
//
// Concept   A program that was killed and started again goes on from its journal, a file to which
//           it appends a line for each thing done. What write() has taken is the kernel's, and
//           outlives the process. So a line is written before anybody is told; and a line that a
//           kill has torn is cut off before the next one is appended.
// Shows     memfd_create, O_APPEND, write, pread, ftruncate
// Python    os.write, os.ftruncate
// Run       journal
// You see   a payment lost, two spoilt by a torn line, and none, at whatever byte the kill comes
// Next      authentication asks who is at the other end; coordinator keeps a journal

// SPDX-License-Identifier: MIT
#include "killed_runs.hpp"

#include "pdc/program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

using pdc::posix;

pdc::Descriptor open_journal() {
  pdc::Descriptor journal(posix(memfd_create("journal", MFD_CLOEXEC), "memfd_create"));
  posix(fcntl(journal.get(), F_SETFL, O_APPEND), "fcntl");  // it has no name: nothing is left
  return journal;
}

std::string read_all(int journal) {
  std::string text;
  std::array<char, 16> bytes;  // few, so that one call is not enough
  for (;;) {
    const auto place = static_cast<off_t>(text.size());
    const ssize_t count = TEMP_FAILURE_RETRY(pread(journal, bytes.data(), bytes.size(), place));
    if (posix(count, "pread") == 0) return text;
    text.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

namespace {

/// When it returns, the line survives the end of this process, though not a power failure.
void append(int journal, std::string_view line) {
  while (!line.empty()) {
    const ssize_t count = TEMP_FAILURE_RETRY(write(journal, line.data(), line.size()));
    line.remove_prefix(static_cast<std::size_t>(posix(count, "write")));
  }
}

/// The whole lines. What comes after the end of the last one, a kill has torn: it is cut off.
std::string recover(int journal) {
  std::string text = read_all(journal);
  text.resize(text.rfind('\n') + 1);  // 0 if no line has an end
  posix(TEMP_FAILURE_RETRY(ftruncate(journal, static_cast<off_t>(text.size()))), "ftruncate");
  return text;
}

void write_down(const Run& run, std::size_t payment) {
  const std::string line = fmt::format("{}\n", payments[payment]);
  const std::size_t room = run.end - read_all(run.journal).size();
  append(run.journal, line.substr(0, room));
  if (room <= line.size()) raise(SIGKILL);  // forced: in the middle of a line, or right after it
}

/// Wrong on purpose: if it is killed in between, the client alone knows of the payment.
void tell_then_write(const Run& run, std::size_t payment) {
  tell(run, payment + 1);
  write_down(run, payment);
}

void write_then_tell(const Run& run, std::size_t payment) {
  write_down(run, payment);
  tell(run, payment + 1);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);
  const std::size_t within = all.find("0\nmilk");  // the number of "shoes 90"
  program.scene("told, then written", kill_at, within, recover, tell_then_write);
  const auto torn = program.scene("written, then told", kill_at, within, read_all, write_then_tell);
  program.scene("torn lines cut off, too", kill_at, within, recover, write_then_tell);
  pdc::say("\nthe journal, if a torn line is taken for a whole one:\n{}", torn);

  const auto lost = count_losses(recover, tell_then_write);
  const auto spoilt = count_losses(read_all, write_then_tell);
  const auto harmed = count_losses(recover, write_then_tell);
  const auto inside = all.size() - payments.size(), kills = all.size() + 1;
  pdc::check(lost == inside + 1,
             "told, then written: a kill before the line is whole loses the payment", "{} of {}",
             lost, inside + 1);
  pdc::check(spoilt == inside, "a torn line that is taken for a whole one spoils the journal",
             "{} of {}", spoilt, inside);
  pdc::check(harmed == 0,
             "written, then told, and torn lines cut off: each payment is in the journal once",
             "{} of {}", kills - harmed, kills);
  return program.finish();
}
