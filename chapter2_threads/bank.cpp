// Bank: clients move money between accounts at the same time, and audits look in.
//
// Concept   A transfer looks at one account and changes two, and in between the money is in
//           neither. That each change is atomic does not help: the whole has to be. One lock for
//           all is right, and serves one client at a time; a lock for each account serves those
//           at once that have none in common, if everybody locks in the same order.
// Shows     std::mutex, std::scoped_lock, std::unique_lock, std::barrier
// Python    threading.Lock
// Run       bank --clients 4
// You see   without a lock the money of one goes to all, and an audit misses some; with locks it
//           goes to one, and no audit misses any
// Next      deadlock locks in opposite order; atomics takes what is left without a lock

// SPDX-License-Identifier: MIT
#include "pdc/lock_order.hpp"
#include "pdc/program.hpp"
#include "pdc/stage.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int opening_balance = 100;
constexpr int wanted = 60;  // by each client from account 0: enough for one of them

struct Account {
  Account(pdc::LockOrder& order, int number) : mutex(order, fmt::format("account {}", number)) {}

  pdc::Watched<std::mutex> mutex;  // notes who holds it and who wants it
  std::atomic<int> balance =
      opening_balance;  // atomic, so that without a lock nothing is undefined
};

struct Bank {
  explicit Bank(int clients) : bad_moment(clients + 1) {
    for (int number = 0; number <= 2 * clients; ++number) accounts.emplace_back(order, number);
  }

  int missing() const {
    int sum = 0;
    for (const Account& account : accounts) sum += opening_balance - account.balance;
    return sum;
  }
  void wait_for_others(std::barrier<>& others, const pdc::Lane& lane) {
    const auto wait = bad_moment.wait_outside(lane, "the others");
    others.arrive_and_wait();
  }

  pdc::LockOrder order;
  std::deque<Account> accounts;
  std::mutex mutex;  // of the bank as a whole
  pdc::Meeting bad_moment;
  pdc::Gauge served;  // clients
};

struct Order {
  int from, to;
  int amount;
};

/// Right only for a thread that has both accounts to itself. Returns whether the money was there.
bool move_money(Bank& bank, const Order& order) {
  const auto visit = bank.served.visit();
  std::atomic<int>& from = bank.accounts.at(order.from).balance;
  std::atomic<int>& to = bank.accounts.at(order.to).balance;
  const bool is_there = from >= order.amount;
  const int paid_in = to + order.amount;
  bank.bad_moment.meet();  // forced: all who can be in here have looked
  if (is_there) from -= order.amount;
  bank.bad_moment.meet();  // forced: an audit looks now, if it can: the money is in neither account
  bank.bad_moment.meet();
  if (is_there) to = paid_in;
  return is_there;
}

/// Right, but those wait who have nothing to do with each other.
bool lock_bank(Bank& bank, const Order& order, const pdc::Lane& lane) {
  auto wait = bank.bad_moment.wait_outside(lane, "the bank");
  const std::scoped_lock lock(bank.mutex);
  wait.end();
  const auto hold = lane.hold("{} to {}", order.from, order.to);
  return move_money(bank, order);
}

/// Right: a thread that holds an account never waits for one with a lower number.
bool lock_accounts(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto [low, high] = std::minmax(order.from, order.to);
  auto wait = bank.bad_moment.wait_outside(lane, "{}, then {}", low, high);
  const std::scoped_lock first(bank.accounts.at(low).mutex);
  const std::scoped_lock second(bank.accounts.at(high).mutex);
  wait.end();
  const auto hold = lane.hold("{} to {}", order.from, order.to);
  return move_money(bank, order);
}

/// Wrong on purpose.
bool lock_nothing(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", order.from, order.to);
  return move_money(bank, order);
}

/// Returns how much is missing, while it holds every lock that there is.
int audit(Bank& bank, const pdc::Lane& lane) {
  auto wait = bank.bad_moment.wait_outside(lane, "all locks");
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
  int got_it;                       // clients that got the money of account 0
  int missing;                      // the most that an audit misses
  int served;                       // clients, at most at once
  std::vector<std::string> circle;  // of locks, each wanted by a thread that holds the one before
};

/// First all clients take from account 0, then each moves money of its own, then all pay into it.
Seen serve(bool (*transfer)(Bank&, const Order&, const pdc::Lane&), int clients) {
  Bank bank(clients);
  std::barrier all_are_served(clients + 1);
  std::atomic<int> got_it = 0;
  int missing = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i <= clients; ++i) {
      threads.emplace_back([&, mine = i, savings = clients + i, lane = pdc::Lane("client {}", i)] {
        if (transfer(bank, {0, mine, wanted}, lane)) ++got_it;
        bank.wait_for_others(all_are_served, lane);
        transfer(bank, {mine, savings, wanted}, lane);
        bank.wait_for_others(all_are_served, lane);
        transfer(bank, {savings, 0, wanted}, lane);
      });
    }
    const pdc::Lane auditor("audit");
    missing = audit(bank, auditor);
    bank.wait_for_others(all_are_served, auditor);
    bank.wait_for_others(all_are_served, auditor);
    missing = std::max(missing, audit(bank, auditor));
    bank.bad_moment.leave();
  }  // ~jthread joins here
  missing = std::max(missing, bank.missing());
  return {got_it, missing, bank.served.most(), bank.order.cycle()};
}

void check_right(const char* how, const Seen& seen, int clients) {
  pdc::check(seen.got_it == 1, fmt::format("{}: the money that is there for one goes to one", how),
             "{} of {}", seen.got_it, clients);
  pdc::check(seen.missing == 0, fmt::format("{}: no audit misses money", how), "{} missing",
             seen.missing);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 4, "threads that move money", {2, 32}}});
  const int clients = program.integer("clients");

  const Seen without = program.scene("no lock", serve, lock_nothing, clients);
  const Seen one = program.scene("one lock for all", serve, lock_bank, clients);
  const Seen each = program.scene("a lock for each account", serve, lock_accounts, clients);

  pdc::check(without.got_it == clients, "no lock: the money that is there for one goes to all",
             "{} of {}", without.got_it, clients);
  pdc::check(without.missing > 0, "no lock: an audit misses money", "{} missing", without.missing);
  check_right("one lock for all", one, clients);
  pdc::check(one.served == 1, "one lock for all: one client is served at a time", "{} of {}",
             one.served, clients);
  check_right("a lock for each account", each, clients);
  pdc::check(each.served == clients,
             "a lock for each account: clients that have none in common are served at once",
             "{} of {}", each.served, clients);
  pdc::check(each.circle.empty(),
             "a lock for each account: no circle among the locks held and wanted");
  return program.finish();
}
