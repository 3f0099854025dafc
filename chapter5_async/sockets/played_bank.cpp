// SPDX-License-Identifier: MIT
#include "played_bank.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/timeline.hpp"

#include <chrono>
#include <memory>
#include <sstream>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

int Bank::execute(const std::string& method, int account) {
  int& balance = balances.try_emplace(account, first_balance(account)).first->second;
  if (method == "pay") {
    balance -= price;
    ++payments;
    if (payments == 2) pdc::fault("paid twice");
  }
  return balance;
}

namespace {

asio::awaitable<void> answer(Bank& bank, Peer client, std::string line) {
  int id = 0, account = 0;
  std::string method;
  if (!(std::istringstream(line) >> id >> method >> account)) co_return;  // not a call
  const pdc::Lane lane(pdc::task, "bank: {} {}", method, account);
  auto work = lane.work("works");
  const auto visit = bank.at_work.visit();
  asio::basic_waitable_timer<PlayedClock> timer(bank.loop);
  const bool is_slow = method == "balance" && account == 0;
  timer.expires_after((is_slow ? 9 : account) * 1ms + 3ms);  // plays its work
  co_await timer.async_wait(asio::use_awaitable);
  const int result = bank.execute_call(bank, id, method, account);
  work.end();
  if (method == "pay" && ++bank.asked_to_pay == 1) {
    pdc::mark("connection lost");
    client->socket.close();
    co_return;
  }
  const auto bar = lane.send("{}", result);
  send(client, std::to_string(id) + ' ' + std::to_string(result) + '\n');
}

asio::awaitable<void> serve(Bank& bank, Peer client) {
  for (;;) {
    const std::string line = co_await read_line(client);
    if (line.empty()) co_return;
    asio::co_spawn(bank.loop, answer(bank, client, line), pdc::rethrow);  // and reads on
  }
}

}  // namespace

Peer connect(Bank& bank) {
  const auto client = std::make_shared<LinePeer>(LinePeer::Socket(bank.loop));
  auto server = std::make_shared<LinePeer>(LinePeer::Socket(bank.loop));
  asio::local::connect_pair(server->socket, client->socket);
  asio::co_spawn(bank.loop, serve(bank, client), pdc::rethrow);
  ++bank.connections;
  return server;
}
