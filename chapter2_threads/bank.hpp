// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/program.hpp"

#include <atomic>
#include <barrier>
#include <cstddef>
#include <mutex>
#include <random>
#include <vector>

/// The bank of bank.cpp, its clients' orders and its audit; how money is moved stands there.

constexpr int opening_balance = 100;

struct Account {
  std::mutex mutex;
  std::atomic<int> balance = opening_balance;  // atomic: what goes wrong is still not undefined
};

struct Bank {
  int missing() const {
    int sum = 0;
    for (const Account& account : accounts) sum += opening_balance - account.balance;
    return sum;
  }
  std::vector<Account> accounts;
  std::barrier<> all_have_read;  // for who locks nothing
  std::mutex mutex = {};         // for who locks all
};

struct Order {
  std::size_t from, to;
  int amount;
};
using Orders = std::vector<std::vector<Order>>;  // of each client

/// Random ones; each client's first asks for more than the whole bank has.
inline Orders make_orders(int clients, std::size_t accounts, int transfers, int seed) {
  Orders orders(static_cast<std::size_t>(clients));
  std::mt19937 random(static_cast<unsigned>(seed));
  for (std::vector<Order>& mine : orders) {
    for (int i = 0; i < transfers; ++i) {
      const std::size_t from = random() % accounts, to = from + 1 + random() % (accounts - 1);
      mine.push_back({from, to % accounts, 1 + static_cast<int>(random() % opening_balance)});
    }
    mine[0].amount = static_cast<int>(accounts) * opening_balance + 1;
  }
  return orders;
}

/// Everyone pays 10 into account 0.
inline Orders make_payments(int clients) {
  Orders payments;
  for (int i = 1; i <= clients; ++i) payments.push_back({{static_cast<std::size_t>(i), 0, 10}});
  return payments;
}

/// What became of the orders, and what the audits found.
struct Seen {
  std::atomic<int> accepted = 0, refused = 0;
  int audits = 0, poorer = 0, missing = 0;
};

/// Looks at all accounts while it holds every lock there is: no money is under way then.
inline void audit(Bank& bank, Seen& seen, const pdc::Lane& lane) {
  auto wait = lane.wait("all locks");
  const std::scoped_lock lock(bank.mutex);
  std::vector<std::unique_lock<std::mutex>> locks;
  for (Account& account : bank.accounts) locks.emplace_back(account.mutex);  // lowest first, too
  wait.end();
  const auto hold = lane.hold("audit");
  seen.missing = bank.missing();
  seen.poorer += seen.missing == 0 ? 0 : 1;
  ++seen.audits;
}
