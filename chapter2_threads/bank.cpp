// Bank: clients move money between accounts at the same time, and none of it may get lost.
//
// Concept   A transfer changes two accounts, and between the two changes the money is in neither.
//           One lock for all is right, and lets one client at a time act. A lock for each account
//           lets those work at once who have nothing in common, if all take their two locks in one
//           order. Compare-exchange needs no lock, but then nobody can see all accounts at once.
// Shows     std::mutex, std::scoped_lock, std::unique_lock, std::barrier, compare_exchange_weak
// Python    threading.Lock
// Run       bank --clients 4 --accounts 6 --transfers 8
// You see   without a lock 30 of 40 paid in are lost; the four other ways keep all the money
// Next      deadlock shows what happens if everyone takes the two locks in an order of his own

#include "pdc/measure.hpp"
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
  explicit Bank(int size) : accounts(static_cast<std::size_t>(size)) {}

  int missing() const {
    int sum = 0;
    for (const Account& account : accounts) sum += opening_balance - account.balance;
    return sum;
  }
  std::mutex mutex;
  std::vector<Account> accounts;
};

struct Order {
  std::size_t from, to;
  int amount;
};
using Orders = std::vector<std::vector<Order>>;  // of each client

/// The first order of each client asks for more than the whole bank has.
Orders make_orders(int clients, int accounts, int transfers, int seed) {
  const auto n = static_cast<std::size_t>(accounts);
  Orders orders(static_cast<std::size_t>(clients));
  std::mt19937 random(static_cast<unsigned>(seed));
  for (std::vector<Order>& mine : orders) {
    for (int i = 0; i < transfers; ++i) {
      const std::size_t from = random() % n;
      const std::size_t to = (from + 1 + random() % (n - 1)) % n;  // another one
      const int amount = 1 + static_cast<int>(random() % opening_balance);
      mine.push_back({from, to, i == 0 ? accounts * opening_balance + 1 : amount});
    }
  }
  return orders;
}

/// Wrong on purpose: everyone pays 10 into account 0, and nobody locks it.
int pay_without_lock(int clients) {
  Bank bank(clients + 1);
  std::barrier all_have_read(clients);
  {
    std::vector<std::jthread> paying;
    for (int i = 0; i < clients; ++i) {
      Account& mine = bank.accounts[static_cast<std::size_t>(i) + 1];
      paying.emplace_back([&, lane = pdc::Lane("client {}", i)] {
        mine.balance -= 10;
        const int seen = bank.accounts[0].balance;
        const auto work = lane.work("reads {}, writes {}", seen, seen + 10);
        all_have_read.arrive_and_wait();  // forced: nobody writes before everybody has read
        bank.accounts[0].balance = seen + 10;
      });
    }
  }  // ~jthread joins here
  return bank.missing();
}

/// Right only for who has both accounts to himself. Returns false when the money is not there.
bool move_money(Bank& bank, const Order& order) {
  std::atomic<int>& from = bank.accounts[order.from].balance;
  std::atomic<int>& to = bank.accounts[order.to].balance;
  const int left = from - order.amount;
  if (left < 0) return false;
  from = left;
  if (pdc::recording()) std::this_thread::sleep_for(booking);  // plays it, but not when timed
  to = to + order.amount;
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
  auto wait = lane.wait("account {}", low);
  const std::scoped_lock first(bank.accounts[low].mutex);
  wait.end();
  const auto hold_low = lane.hold("account {}", low);
  auto wait_high = lane.wait("account {}", high);
  const std::scoped_lock second(bank.accounts[high].mutex);
  wait_high.end();
  const auto hold = lane.hold("accounts {} and {}", low, high);
  return move_money(bank, order);
}

bool with_scoped_lock(Bank& bank, const Order& order, const pdc::Lane& /*not drawn*/) {
  const std::scoped_lock both(bank.accounts[order.from].mutex, bank.accounts[order.to].mutex);
  return move_money(bank, order);
}

/// No lock: each account is right at every moment, their sum only when nobody is under way.
bool with_compare_exchange(Bank& bank, const Order& order, const pdc::Lane& /*not drawn*/) {
  std::atomic<int>& from = bank.accounts[order.from].balance;
  int has = from;
  do {
    if (has < order.amount) return false;
    if (pdc::recording()) std::this_thread::sleep_for(booking);    // plays the same
  } while (!from.compare_exchange_weak(has, has - order.amount));  // another was faster: look again
  bank.accounts[order.to].balance += order.amount;
  return true;
}

using Transfer = bool (*)(Bank&, const Order&, const pdc::Lane&);

struct Seen {
  std::atomic<int> accepted = 0, refused = 0;
  int audits = 0, poorer = 0, overdrawn = 0;
};

/// Looks at all accounts while it holds every lock there is: no money is under way then.
void audit(Bank& bank, Seen& seen, const pdc::Lane& lane) {
  auto wait = lane.wait("all locks");
  const std::scoped_lock lock(bank.mutex);
  std::vector<std::unique_lock<std::mutex>> locks;
  for (Account& account : bank.accounts) locks.emplace_back(account.mutex);  // lowest first, too
  wait.end();
  const auto hold = lane.hold("audit");
  ++seen.audits;
  seen.poorer += bank.missing() != 0 ? 1 : 0;
  for (const Account& account : bank.accounts) seen.overdrawn += account.balance < 0 ? 1 : 0;
}

/// Clients give their orders, and audits look in meanwhile; the last one comes when all have ended.
void serve(Transfer transfer, int accounts, const Orders& orders, int audits, Seen& seen) {
  Bank bank(accounts);
  const pdc::Lane auditor("audit");
  {
    std::vector<std::jthread> clients;
    for (std::size_t i = 0; i < orders.size(); ++i) {
      clients.emplace_back([&, i, lane = pdc::Lane("client {}", i)] {
        int answers[2] = {};  // refused, accepted
        for (const Order& order : orders[i]) ++answers[transfer(bank, order, lane) ? 1 : 0];
        seen.refused += answers[0];
        seen.accepted += answers[1];
      });
    }
    for (int i = 0; i < audits; ++i) {
      std::this_thread::sleep_for(2 * booking);  // plays the writing of the report
      audit(bank, seen, auditor);
    }
  }
  audit(bank, seen, auditor);
}

void say_throughput(pdc::Program& program, int clients, int accounts) {
  const Orders orders = make_orders(clients, accounts, 20'000, program.integer("seed"));
  const auto timed = [&](Transfer transfer) {
    return [&, transfer] {
      Seen seen;
      serve(transfer, accounts, orders, 0, seen);
    };
  };
  const auto serial = [&] {
    Bank bank(accounts);
    for (const auto& mine : orders) {
      for (const Order& order : mine) move_money(bank, order);
    }
  };
  pdc::say_speedup(program,
                   {{"serial", 1, serial},
                    {"one lock", clients, timed(with_one_lock)},
                    {"ordered", clients, timed(with_ordered_locks)},
                    {"scoped_lock", clients, timed(with_scoped_lock)},
                    {"exchange", clients, timed(with_compare_exchange)}},
                   5);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv,
                       {{"clients", 4, "threads that give orders", {2, 32}},
                        {"accounts", 6, "accounts", {2, 32}},
                        {"transfers", 8, "orders of each client", {1, 50}},
                        {"seed", 1, "of the random orders"}});
  const int clients = program.integer("clients"), accounts = program.integer("accounts");
  const int transfers = program.integer("transfers"), given = 4 * clients * transfers;
  const Orders orders = make_orders(clients, accounts, transfers, program.integer("seed"));
  Seen seen;
  const auto all = std::ref(seen);

  const int lost = program.scene("without a lock", pay_without_lock, clients);
  program.scene("one lock for all", serve, with_one_lock, accounts, orders, 3, all);
  program.scene("a lock for each account", serve, with_ordered_locks, accounts, orders, 3, all);
  serve(with_scoped_lock, accounts, orders, 3, seen);       // its picture would look the same
  serve(with_compare_exchange, accounts, orders, 0, seen);  // nothing an audit could lock
  say_throughput(program, clients, accounts);

  const int refused = seen.refused, answered = seen.accepted + refused;
  pdc::check(lost == 10 * (clients - 1), "without a lock, all payments but one are lost",
             "{} of {}", lost, 10 * clients);
  pdc::check(seen.poorer == 0, "every other way, each audit finds all the money", "{} audits",
             seen.audits);
  pdc::check(answered == given && refused >= 4 * clients,
             "what an account does not hold is refused, and no order is lost", "{} refused of {}",
             refused, given);
  pdc::check(seen.overdrawn == 0, "no account is ever below zero");
  return program.finish();
}
