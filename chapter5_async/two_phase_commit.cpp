// Two phase commit: several processes all make a change, or none does, whoever is killed.
//
// Concept   A payment changes two accounts, each kept by another process. A coordinator that tells
//           one after the other may die in between. So it asks both to prepare first: an account
//           that says yes has written that down, and cannot refuse any more. If all say yes, the
//           coordinator writes down that they commit, and only then tells them. A process that was
//           killed goes on from its log. The price: from its yes until it is told, it is blocked.
// Shows     memfd_create, write, pread, raise, SIGKILL
// Python    tpc_prepare, tpc_commit and tpc_rollback of a database connection (PEP 249)
// Run       two_phase_commit --kill 4
// You see   a payment that only one account has made; then both or none, wherever the kill comes
// Next      journal has lines that a kill can tear; leader_election finds another coordinator

// SPDX-License-Identifier: MIT
#include "two_accounts.hpp"

#include "pdc/program.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <vector>

using pdc::posix;

Log::Log() : file_(posix(memfd_create("log", MFD_CLOEXEC), "memfd_create")) {}

void Log::append(Word word) const {
  posix(write(file_.get(), &word, 1), "write");  // one byte: there is no half a line
}

Word Log::last() const {
  Word word = nothing;
  const off_t size = posix(lseek(file_.get(), 0, SEEK_END), "lseek");
  if (size > 0) posix(pread(file_.get(), &word, 1, size - 1), "pread");
  return word;
}

/// Forced: each line or message can be the last one of a process.
void Process::step() {
  if (steps_left == 0) raise(SIGKILL);
  --steps_left;
}

namespace {

/// Asked once more, because it was killed, it says the same.
Word answer(Process& account, Word word) {
  const Word known = account.log.last();
  if (word == ask) return known == yes ? blocked : unblocked;
  if (word == prepare && known == nothing) account.write_down(account.agrees ? yes : no);
  if (word == prepare) return account.log.last();
  if (known != committed && known != aborted) account.write_down(word);
  return done;
}

}  // namespace

void keep_account(Process& self) {
  std::optional<pdc::Span> bar;
  for (;;) {
    const Word word = self.look();  // it stays there until it is answered
    if (word == end) return;
    self.send(self.here, answer(self, word));
    self.drop();
    const bool is_blocked = self.log.last() == yes;
    if (is_blocked && !bar) bar.emplace(self.lane.hold("blocked"));
    if (!is_blocked) bar.reset();
  }
}

/// The second phase. A coordinator that is started again does no more than this.
void finish(Process& self, Accounts& accounts) {
  if (self.log.last() == nothing) self.write_down(aborted);  // nobody was told to commit
  for (Process& account : accounts) self.send(account.there, self.log.last());
  for (Process& account : accounts)
    while (self.receive(account.there) != done) continue;  // what was said before the kill
}

namespace {

void pay_in_two_phases(Process& self, Accounts& accounts) {
  for (Process& account : accounts) self.send(account.there, prepare);
  bool all_agree = true;
  for (Process& account : accounts)
    if (self.receive(account.there) != yes) all_agree = false;
  self.write_down(all_agree ? committed : aborted);  // now it is decided
  finish(self, accounts);
}

/// Wrong on purpose: the first has paid before it is certain that the second will be told.
void pay_one_by_one(Process& self, Accounts& accounts) {
  for (Process& account : accounts) self.send(account.there, committed);
}

/// Each process, the coordinator first, is killed after each of its steps, and before the first.
std::vector<Outcome> kill_everywhere(const std::vector<int>& steps, bool b_agrees) {
  std::vector<Outcome> outcomes;
  for (std::size_t process = 0; process < steps.size(); ++process)
    for (int step = 0; step <= steps[process]; ++step)
      outcomes.push_back(live_through({process, step}, b_agrees, pay_in_two_phases));
  return outcomes;
}

/// How often a process was killed, and both accounts ended with this word.
std::ptrdiff_t count(const std::vector<Outcome>& outcomes, Word both) {
  return std::ranges::count_if(outcomes, [&](const Outcome& outcome) {
    return outcome.was_killed && outcome.a == both && outcome.b == both;
  });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"kill", 4, "steps until the coordinator dies", {0, 5}}});
  const Kill one_told{0, 1}, chosen{0, program.integer("kill")};
  const auto half =
      program.scene("one told after the other", live_through, one_told, true, pay_one_by_one);
  const auto both = program.scene("in two phases", live_through, chosen, true, pay_in_two_phases);
  pdc::say("\nwhile the coordinator was dead, {} of 2 accounts were blocked\n", both.blocked);
  const auto deaths = kill_everywhere({5, 4, 4}, true), refusals = kill_everywhere({5}, false);
  std::vector<int> blocked;
  for (int step = 0; step <= 5; ++step) blocked.push_back(deaths[step].blocked);

  pdc::check(half.was_killed && half.money == 170,
             "told one after the other, A has paid and B has nothing, if the coordinator dies in "
             "between",
             "{} of 200", half.money);
  pdc::check(count(deaths, committed) == 13 && count(deaths, aborted) == 3,
             "in two phases, both have paid or neither has, whichever process dies, and wherever",
             "{} and {} of 16", count(deaths, committed), count(deaths, aborted));
  pdc::check(count(refusals, aborted) == 6,
             "if B refuses, neither pays, wherever the coordinator dies", "{} of 6",
             count(refusals, aborted));
  pdc::check(blocked == std::vector{0, 1, 2, 2, 1, 0},
             "from its yes until it is told, an account is blocked while the coordinator is dead",
             "{} accounts", pdc::join(blocked));
  return program.finish();
}
