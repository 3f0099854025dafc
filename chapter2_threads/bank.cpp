// Bank: clients move money between accounts at the same time, and none of it may get lost.
//
// Concept   A transfer changes two accounts, and between the two changes the money is in neither.
//           One lock for all is right, and lets one client at a time act. A lock for each account
//           lets those work at once who have nothing in common: both in one order, or both or none.
//           Compare-exchange needs no lock, but nobody can see the whole bank while it goes on.
// Shows     std::mutex, std::scoped_lock, compare_exchange_weak
// Python    threading.Lock
// Run       bank --clients 4 --accounts 6 --transfers 8
// You see   without a lock 30 of 40 paid in are lost; in all other ways nothing is, and how fast
// Next      deadlock locks in another order; dining_philosophers has more locks and a cycle

// SPDX-License-Identifier: MIT
#include "bank.hpp"

#include "pdc/measure.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <string_view>
#include <thread>

namespace {

constexpr std::chrono::milliseconds booking(1);  // meanwhile the money is in neither account

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
bool move_money(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto hold = lane.hold("{} to {}", order.from, order.to);
  std::atomic<int>&from = bank.accounts[order.from].balance, &to = bank.accounts[order.to].balance;
  const int less = from - order.amount, more = to + order.amount;
  if (less < 0) return false;
  from = less;
  std::this_thread::sleep_for(booking);  // plays it
  to = more;
  return true;
}

bool one_lock(Bank& bank, const Order& order, const pdc::Lane& lane) {
  auto wait = lane.wait("the bank");
  const std::scoped_lock lock(bank.mutex);
  wait.end();
  return move_money(bank, order, lane);
}

bool ordered_locks(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto [low, high] = std::minmax(order.from, order.to);  // the same order for everyone
  auto wait = lane.wait("{}, then {}", low, high);
  const std::scoped_lock first(bank.accounts[low].mutex);
  const std::scoped_lock second(bank.accounts[high].mutex);
  wait.end();
  return move_money(bank, order, lane);
}

/// Takes one, tries for the other, and gives back the first if that is taken.
bool both_or_none(Bank& bank, const Order& order, const pdc::Lane& lane) {
  auto wait = lane.wait("{} and {}", order.from, order.to);
  const std::scoped_lock both(bank.accounts[order.from].mutex, bank.accounts[order.to].mutex);
  wait.end();
  return move_money(bank, order, lane);
}

/// Writes what is left, unless somebody else has changed it since; then it looks again.
bool no_lock(Bank& bank, const Order& order, const pdc::Lane& lane) {
  const auto work = lane.work("{} to {}", order.from, order.to);
  std::atomic<int>& from = bank.accounts[order.from].balance;
  int seen = from;
  do {
    if (seen < order.amount) return false;
  } while (!from.compare_exchange_weak(seen, seen - order.amount));
  std::this_thread::sleep_for(booking);  // plays it
  bank.accounts[order.to].balance += order.amount;
  return true;
}

struct Strategy {
  const char* name;
  bool (*transfer)(Bank&, const Order&, const pdc::Lane&);
  int audits;  // meanwhile
};
constexpr std::array<Strategy, 4> right = {{{"one lock for all", one_lock, 3},
                                            {"a lock for each, in order", ordered_locks, 3},
                                            {"a lock for each, both or none", both_or_none, 3},
                                            {"compare-exchange", no_lock, 0}}};

/// Clients give their orders, and audits look in meanwhile; the last one comes when all have ended.
void serve(const Strategy& strategy, std::size_t accounts, const Orders& orders, Seen& seen) {
  Bank bank{std::vector<Account>(accounts), std::barrier<>(std::ssize(orders))};
  const pdc::Lane auditor("audit");
  std::vector<std::jthread> clients;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    clients.emplace_back([&, i, lane = pdc::Lane("client {}", i)] {
      for (const Order& order : orders[i])
        ++(strategy.transfer(bank, order, lane) ? seen.accepted : seen.refused);
    });
  }
  for (int i = 0; i < strategy.audits; ++i) {
    std::this_thread::sleep_for(2 * booking);  // plays the writing of the report
    audit(bank, seen, auditor);
  }
  clients.clear();  // joins
  audit(bank, seen, auditor);
}

void say_throughput(pdc::Program& program, std::size_t accounts, const Orders& orders) {
  std::vector<pdc::Variant> variants;
  for (const auto& [name, transfer, audits] : right) {
    variants.push_back({name, static_cast<int>(orders.size()), [&, transfer] {
                          Seen seen;
                          serve({"", transfer, 0}, accounts, orders, seen);
                        }});
  }
  const auto count = static_cast<double>(orders.size() * orders[0].size());
  pdc::say("\n{:<30}   orders per second", "");
  for (std::size_t i = 0; const pdc::Timing& time : pdc::time_in_turns(variants, 3)) {
    const std::string& name = variants[i++].name;
    pdc::say("{:<30} {:>6.0f}, from {:.0f} to {:.0f}", name, count / time.median,
             count / time.highest, count / time.lowest);
    program.report(name, count / time.median, "1/s");
  }
}

/// Each client's first order asks for more than there is.
void claim_safe(std::string_view name, const Seen& seen, const Orders& orders) {
  const int clients = static_cast<int>(orders.size());
  const int given = clients * static_cast<int>(orders[0].size());
  const int done = seen.accepted, refused = seen.refused;
  const bool safe = seen.poorer == 0 && refused >= clients && done + refused == given;
  pdc::check(safe, fmt::format("{}: no money is lost and no order, none overdraws", name),
             "audits: {}, done: {}, refused: {}", seen.audits, done, refused);
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
  const Orders payments = make_payments(clients);

  Seen without;
  std::array<Seen, right.size()> with;
  program.scene("without a lock", serve, Strategy{"", without_lock, 0}, payments.size() + 1,
                payments, std::ref(without));
  for (std::size_t i = 0; i < right.size(); ++i)
    program.scene(right[i].name, serve, right[i], accounts, orders, std::ref(with[i]));
  say_throughput(program, accounts, orders);

  const int lost = without.missing;
  pdc::check(lost == 10 * (clients - 1), "without a lock, all payments but one are lost",
             "{} of {}", lost, 10 * clients);
  for (std::size_t i = 0; i < right.size(); ++i) claim_safe(right[i].name, with[i], orders);
  return program.finish();
}
