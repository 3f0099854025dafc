// Bank: clients move money between accounts at the same time, and none of it may get lost.
//
// Concept   A transfer changes two accounts, and between the two changes the money is in neither.
//           One lock for all is right, and lets one client at a time act. A lock for each account
//           lets those work at once who have nothing in common, if all lock in the same order.
// Shows     std::mutex, std::scoped_lock, std::unique_lock, std::barrier
// Python    threading.Lock
// Run       bank --clients 4 --accounts 6 --transfers 8
// You see   without a lock 30 of 40 paid in are lost; with locks every audit finds all the money
// Next      deadlock locks in another order; atomics gives the last one away with no lock at all

#include "pdc/program.hpp"

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <functional>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr int opening_balance = 100;
constexpr std::chrono::milliseconds booking(1);  // meanwhile the money is in neither account

struct Account {
  std::mutex mutex;
  std::atomic<int> balance = opening_balance;  // atomic: what is wrong here is still not undefined
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
Orders make_orders(int clients, std::size_t accounts, int transfers, int seed) {
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

/// Wrong on purpose: reads and writes, and nobody is kept out in between.
bool without_lock(Bank& bank, const Order& order, const pdc::Lane& lane) {
  bank.accounts[order.from].balance -= order.amount;
  std::atomic<int>& to = bank.accounts[order.to].balance;
  const int seen = to;
  const auto work = lane.work("reads {}, writes {}", seen, seen + order.amount);
  bank.all_have_read.arrive_and_wait();  // forced: nobody writes before everybody has read
  to = seen + order.amount;
  return true;
}

/// Right only for who has both accounts to himself. Returns false when the money is not there.
bool move_money(Bank& bank, const Order& order) {
  std::atomic<int>& from = bank.accounts[order.from].balance;
  const int left = from - order.amount;
  if (left < 0) return false;
  from = left;
  std::this_thread::sleep_for(booking);  // plays it
  bank.accounts[order.to].balance += order.amount;
  return true;
}

bool with_one_lock(Bank& bank, const Order& order, const pdc::Lane& lane) {
  auto wait = lane.wait("bank");
  const std::scoped_lock lock(bank.mutex);
  wait.end();
  const auto hold = lane.hold("bank, {} to {}", order.from, order.to);
  return move_money(bank, order);
}

bool with_ordered_locks(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto [low, high] = std::minmax(order.from, order.to);  // the same order for everyone
  auto wait = lane.wait("{} and {}", low, high);
  const std::scoped_lock first(bank.accounts[low].mutex);
  const std::scoped_lock second(bank.accounts[high].mutex);
  wait.end();
  const auto hold = lane.hold("{} and {}", low, high);
  return move_money(bank, order);
}

using Transfer = bool (*)(Bank&, const Order&, const pdc::Lane&);

struct Seen {
  std::atomic<int> accepted = 0, refused = 0;
  int audits = 0, poorer = 0, missing = 0;
};

/// Looks at all accounts while it holds every lock there is: no money is under way then.
void audit(Bank& bank, Seen& seen, const pdc::Lane& lane) {
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

/// Clients give their orders, and audits look in meanwhile; the last one comes when all have ended.
void serve(Transfer transfer, std::size_t accounts, const Orders& orders, int audits, Seen& seen) {
  Bank bank{std::vector<Account>(accounts), std::barrier<>(std::ssize(orders))};
  const pdc::Lane auditor("audit");
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    clients.emplace_back([&, i, lane = pdc::Lane("client {}", i)] {
      for (const Order& order : orders[i])
        ++(transfer(bank, order, lane) ? seen.accepted : seen.refused);
    });
  }
  for (int i = 0; i < audits; ++i) {
    std::this_thread::sleep_for(2 * booking);  // plays the writing of the report
    audit(bank, seen, auditor);
  }
  clients.clear();  // joins
  audit(bank, seen, auditor);
}

/// Everyone pays 10 into account 0. Returns what is missing in the end.
int pay_without_lock(int clients) {
  Orders payments;
  for (int i = 1; i <= clients; ++i) payments.push_back({{static_cast<std::size_t>(i), 0, 10}});
  Seen seen;
  serve(without_lock, payments.size() + 1, payments, 0, seen);
  return seen.missing;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"clients", 4, "threads that give orders", {2, 32}},
                        {"accounts", 6, "accounts", {2, 32}},
                        {"transfers", 8, "orders of each client", {1, 50}},
                        {"seed", 1, "of the random orders"}});
  const int clients = program.integer("clients"), transfers = program.integer("transfers");
  const auto accounts = static_cast<std::size_t>(program.integer("accounts"));
  const Orders orders = make_orders(clients, accounts, transfers, program.integer("seed"));

  Seen seen;
  const int lost = program.scene("without a lock", pay_without_lock, clients);
  program.scene("one lock for all", serve, with_one_lock, accounts, orders, 3, std::ref(seen));
  program.scene("a lock for each", serve, with_ordered_locks, accounts, orders, 3, std::ref(seen));

  const int refused = seen.refused, given = 2 * clients * transfers;
  pdc::check(lost == 10 * (clients - 1), "without a lock, all payments but one are lost",
             "{} of {}", lost, 10 * clients);
  pdc::check(seen.poorer == 0, "with locks, each audit finds all the money", "{} audits",
             seen.audits);
  pdc::check(seen.accepted + refused == given && refused >= 2 * clients,
             "what an account does not hold is refused, and no order is lost", "{} refused of {}",
             refused, given);
  return program.finish();
}
