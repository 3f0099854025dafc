// Bank: clients move money between accounts at the same time, and an audit looks in.
//
// Concept   A transfer changes two accounts, and in between the money is in neither. That each
//           change is atomic does not help: the whole has to be. One lock for all is right, and
//           serves one client at a time; a lock for each account serves those at once that have
//           none in common, if everybody locks in the same order.
// Shows     std::mutex, std::scoped_lock, std::unique_lock
// Python    threading.Lock
// Run       bank --clients 4
// You see   without a lock an audit misses money, and at the end the sum is wrong; with locks
//           neither, and with one for each account all clients can be served at once
// Next      deadlock locks in opposite order; atomics takes what is left without a lock

// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int opening_balance = 100;
constexpr int amount = 10;  // of every transfer

struct Account {
  Account(pdc::LockOrder& order, int number) : mutex(order, fmt::format("account {}", number)) {}

  pdc::Watched<std::mutex> mutex;              // notes who holds it and who wants it
  std::atomic<int> balance = opening_balance;  // so that without a lock nothing is undefined
};

struct Bank {
  explicit Bank(int clients) : bad_moment(clients + 1) {
    for (int number = 0; number < 2 * clients; ++number) accounts.emplace_back(order, number);
  }

  int missing() const {
    int sum = 0;
    for (const Account& account : accounts) sum += opening_balance - account.balance;
    return sum;
  }

  pdc::Meeting bad_moment;
  pdc::LockOrder order{bad_moment};  // a thread that waits for a lock is kept out of it
  std::deque<Account> accounts;
  pdc::Watched<std::mutex> mutex{order, "the bank"};  // of the bank as a whole
  pdc::Gauge served;                                  // clients
};

/// Right only for a thread that has both accounts to itself. Alone it is wrong on purpose.
void move_money(Bank& bank, int from, int to, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", from, to);
  const auto visit = bank.served.visit();
  const int paid_in = bank.accounts.at(to).balance + amount;
  bank.bad_moment.meet();  // forced: all who can be in here have looked
  bank.accounts.at(from).balance -= amount;
  bank.bad_moment.meet();  // forced: an audit looks now, if it can: the money is in neither account
  bank.bad_moment.meet();
  bank.accounts.at(to).balance = paid_in;
}

/// Right, but those wait who have nothing to do with each other.
void lock_bank(Bank& bank, int from, int to, const pdc::Lane& lane) {
  const std::scoped_lock lock(bank.mutex);
  move_money(bank, from, to, lane);
}

/// Right: a thread that holds an account never waits for one with a lower number.
void lock_accounts(Bank& bank, int from, int to, const pdc::Lane& lane) {
  const auto [low, high] = std::minmax(from, to);
  const std::scoped_lock first(bank.accounts.at(low).mutex);
  const std::scoped_lock second(bank.accounts.at(high).mutex);
  move_money(bank, from, to, lane);
}

/// Returns how much is missing, while it holds every lock that there is.
int audit(Bank& bank) {
  const pdc::Lane lane("audit");
  auto wait = lane.wait("all locks");
  const std::scoped_lock lock(bank.mutex);
  std::vector<std::unique_lock<pdc::Watched<std::mutex>>> locks;
  for (Account& account : bank.accounts) locks.emplace_back(account.mutex);  // lowest first, too
  wait.end();
  const auto hold = lane.hold("audit");
  bank.bad_moment.meet();
  bank.bad_moment.meet();  // forced: money is under way, if it can be now
  const int missing = bank.missing();
  if (missing != 0) pdc::fault("money is missing");
  bank.bad_moment.meet();
  return missing;
}

struct Seen {
  int audited, at_end;              // how much is missing
  int served;                       // clients, at most at once
  std::vector<std::string> circle;  // of locks, each wanted by a thread that holds the one before
};

/// Each client moves money to its own savings, and then to the next client.
Seen serve(void (*transfer)(Bank&, int from, int to, const pdc::Lane&), int clients) {
  Bank bank(clients);
  std::vector<std::jthread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&, i, lane = pdc::Lane("client {}", i)] {
      const pdc::LockingLane locks_are_bars_of(lane);
      transfer(bank, i, clients + i, lane);
      transfer(bank, i, (i + 1) % clients, lane);
    });
  }
  for (int i = 0; i < 3; ++i) bank.bad_moment.meet();  // lets the clients begin among themselves
  const int audited = audit(bank);
  bank.bad_moment.leave();
  threads.clear();  // joins
  return {audited, bank.missing(), bank.served.most(), bank.order.cycle()};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 4, "threads that move money", {2, 32}}});
  const int clients = program.integer("clients");

  const Seen without = program.scene("no lock", serve, move_money, clients);
  const Seen one = program.scene("one lock for all", serve, lock_bank, clients);
  const Seen each = program.scene("a lock for each account", serve, lock_accounts, clients);

  pdc::check(without.audited > 0 && without.at_end != 0,
             "no lock: an audit misses money, and at the end the sum is wrong", "{} and {} missing",
             without.audited, without.at_end);
  pdc::check(one.audited == 0 && one.at_end == 0,
             "one lock for all: no audit misses money, and at the end the sum is right",
             "{} and {} missing", one.audited, one.at_end);
  pdc::check(each.audited == 0 && each.at_end == 0,
             "a lock for each account: no audit misses money, and at the end the sum is right",
             "{} and {} missing", each.audited, each.at_end);
  pdc::check(one.served == 1 && each.served == clients,
             "one lock for all serves one client at a time, a lock for each account all at once",
             "{} and {} of {}", one.served, each.served, clients);
  pdc::check(each.circle.empty(),
             "a lock for each account: no circle among the locks held and wanted");
  return program.finish();
}
