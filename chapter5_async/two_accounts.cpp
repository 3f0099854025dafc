// SPDX-License-Identifier: MIT
#include "two_accounts.hpp"

#include <signal.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <optional>
#include <thread>
#include <vector>

using pdc::posix;

namespace {

void put(const pdc::Descriptor& socket, Word word) {
  posix(::send(socket.get(), &word, 1, MSG_NOSIGNAL), "send");
}

Word take(const pdc::Descriptor& socket, int flags) {
  Word word = nothing;
  posix(TEMP_FAILURE_RETRY(recv(socket.get(), &word, 1, flags)), "recv");
  return word;
}

/// All processes have both ends, so what is under way outlives each of them.
void connect(Process& account) {
  std::array<int, 2> ends;
  posix(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
  account.here = pdc::Descriptor(ends[0]);
  account.there = pdc::Descriptor(ends[1]);
}

/// Another payment asks, behind all that the coordinator has sent.
int count_blocked(const Accounts& accounts) {
  Process other{pdc::Lane("another")};
  int count = 0;
  for (const Process& account : accounts) {
    other.send(account.there, ask);
    Word word = nothing;
    while (word != blocked && word != unblocked) word = other.receive(account.there);
    if (word == blocked) ++count;
  }
  return count;
}

struct Bank {
  Process coordinator{pdc::Lane("coordinator")};
  Accounts accounts;

  explicit Bank(bool b_agrees)
      : accounts{Process{pdc::Lane("account A")}, Process{pdc::Lane("account B"), b_agrees}} {
    for (Process& account : accounts) connect(account);
  }
  Process& at(std::size_t number) { return number == 0 ? coordinator : accounts.at(number - 1); }
  pdc::Child start(std::size_t number, Act* act) {
    return pdc::Child([=, this] {
      at(number).step();
      if (number == 0) act(coordinator, accounts);
      if (number > 0) keep_account(at(number));
    });
  }
};

}  // namespace

void Process::write_down(Word word) {
  log.append(word);
  step();
}

void Process::send(const pdc::Descriptor& socket, Word word) {
  auto bar = lane.send("{}", names[word]);
  std::this_thread::sleep_for(std::chrono::microseconds(500));  // plays the way there
  put(socket, word);
  bar.end();
  step();
}

Word Process::receive(const pdc::Descriptor& socket) const {
  const Word word = take(socket, 0);
  const auto bar = lane.receive("{}", names[word]);
  return word;
}

Word Process::look() const {
  const Word word = take(here, MSG_PEEK);
  const auto bar = word == end ? pdc::Span() : lane.receive("{}", names[word]);
  return word;
}

void Process::drop() const {
  take(here, 0);
}

Outcome live_through(Kill kill, bool b_agrees, Act* pay) {
  Bank bank(b_agrees);
  bank.at(kill.process).steps_left = kill.steps;
  std::vector<pdc::Child> lives;
  for (std::size_t number = 0; number < 3; ++number) lives.push_back(bank.start(number, pay));
  const std::size_t ended = pdc::next_to_end(lives);
  pdc::Exit exit = lives[ended].wait();
  int blocked = 0;
  std::optional<pdc::Child> second_life;
  if (exit.signal == SIGKILL) {
    pdc::mark(fmt::format("{} killed", bank.at(ended).lane.name()));
    bank.at(ended).steps_left = -1;
    if (ended == 0) blocked = count_blocked(bank.accounts);
    second_life.emplace(bank.start(ended, finish));
  }
  if (ended != 0) lives[0].wait();
  if (ended == 0 && second_life) second_life->wait();

  for (const Process& account : bank.accounts) put(account.there, end);
  if (ended != kill.process) exit = lives[kill.process].wait();  // all was done before
  const Word a = bank.accounts[0].log.last(), b = bank.accounts[1].log.last();
  const int has_a = a == committed ? 70 : 100, has_b = b == committed ? 130 : 100;  // 30 are paid
  if (a != b) pdc::fault("30 are lost");
  return {exit.signal == SIGKILL, blocked, a, b, has_a + has_b};
}
