// SPDX-License-Identifier: MIT
/// Transfers between 1000 accounts: by two threads, with one lock for all, with one for each, or
/// with none; by one thread that needs none; and two such banks at once, a yardstick.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

namespace {

constexpr std::size_t size = 1000;
constexpr std::size_t transfers = 100'000;  // in one iteration, in all
constexpr int clients = 2;

struct Account {
  std::mutex mutex;
  int balance = 1000;
};

struct Bank {
  std::mutex mutex;
  std::vector<Account> accounts = std::vector<Account>(size);
};

struct Order {
  std::size_t from, to;
  int amount;
};

const std::vector<Order> orders = [] {
  std::mt19937 random(1);
  std::vector<Order> made(transfers);
  for (Order& order : made) {
    const std::size_t from = random() % size;
    order = {from, (from + 1 + random() % (size - 1)) % size, static_cast<int>(random() % 100)};
  }
  return made;
}();

void move_money(Bank& bank, const Order& order) {
  if (bank.accounts[order.from].balance < order.amount) return;
  bank.accounts[order.from].balance -= order.amount;
  bank.accounts[order.to].balance += order.amount;
}

void with_one_lock(Bank& bank, const Order& order) {
  const std::scoped_lock lock(bank.mutex);
  move_money(bank, order);
}

void with_ordered_locks(Bank& bank, const Order& order) {
  const auto [low, high] = std::minmax(order.from, order.to);
  const std::scoped_lock first(bank.accounts[low].mutex);
  const std::scoped_lock second(bank.accounts[high].mutex);
  move_money(bank, order);
}

void with_scoped_lock(Bank& bank, const Order& order) {
  const std::scoped_lock both(bank.accounts[order.from].mutex, bank.accounts[order.to].mutex);
  move_money(bank, order);
}

void with_exchange(Bank& bank, const Order& order) {
  std::atomic_ref from(bank.accounts[order.from].balance);
  int has = from;
  do {
    if (has < order.amount) return;
  } while (!from.compare_exchange_weak(has, has - order.amount));
  std::atomic_ref(bank.accounts[order.to].balance) += order.amount;
}

using Transfer = void (*)(Bank&, const Order&);

void serve(Bank& bank, Transfer transfer, std::size_t first, std::size_t last) {
  for (std::size_t i = first; i < last; ++i) transfer(bank, orders[i]);
}

void serial_without_locks(benchmark::State& state) {
  Bank bank;
  for (auto _ : state) serve(bank, move_money, 0, transfers);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(transfers));
}
BENCHMARK(serial_without_locks)->UseRealTime();

void two_banks_without_locks(benchmark::State& state) {
  Bank mine, his;
  for (auto _ : state) {
    const std::jthread other([&] { serve(his, move_money, 0, transfers); });
    serve(mine, move_money, 0, transfers);
  }  // ~jthread joins here
  state.SetItemsProcessed(state.iterations() * clients * static_cast<std::int64_t>(transfers));
}
BENCHMARK(two_banks_without_locks)->UseRealTime();

void two_clients(benchmark::State& state, Transfer transfer) {
  Bank bank;
  for (auto _ : state) {
    const std::jthread other([&] { serve(bank, transfer, 0, transfers / clients); });
    serve(bank, transfer, transfers / clients, transfers);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(transfers));
}
BENCHMARK_CAPTURE(two_clients, one_lock, with_one_lock)->UseRealTime();
BENCHMARK_CAPTURE(two_clients, ordered_locks, with_ordered_locks)->UseRealTime();
BENCHMARK_CAPTURE(two_clients, scoped_lock, with_scoped_lock)->UseRealTime();
BENCHMARK_CAPTURE(two_clients, exchange, with_exchange)->UseRealTime();

}  // namespace

BENCHMARK_MAIN();
