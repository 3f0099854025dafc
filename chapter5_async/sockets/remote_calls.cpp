// Remote calls: each answer finds its call, and a call that is repeated takes effect once.
//
// Concept   A stub makes a question to a server look like a call of a function. Several calls are
//           under way on one connection, and answers come in any order: each call has an id, which
//           its answer repeats. If the connection breaks, nobody knows whether a call was executed:
//           it is repeated under its id, and a server that remembers does not execute it again.
// Shows     co_spawn, experimental::channel, async_receive, try_send, std::map::contains
// Python    xmlrpc.client.ServerProxy, asyncio.Future; the ids and the memory are yours
// Run       remote_calls --accounts 3
// You see   each answer at a wrong call, and a payment made twice; then each at its own, paid once
// Next      at_least_once repeats where no connection tells of a loss; journal remembers after a kill

// SPDX-License-Identifier: MIT
#include "line_peer.hpp"
#include "played_bank.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>
#include <boost/asio/experimental/channel.hpp>

#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Answer = asio::experimental::channel<void(error_code, std::optional<int>)>;  // none: lost
using Calls = std::map<int, std::shared_ptr<Answer>>;  // that wait for one, the oldest first

/// Wrong on purpose: whatever comes is taken for the answer to the oldest call.
Calls::iterator find_oldest(Calls& calls, int) {
  return calls.begin();
}

Calls::iterator find_by_id(Calls& calls, int id) {
  return calls.find(id);
}
using Find = Calls::iterator(Calls& calls, int id);

struct Stub {
  Bank& bank;
  Find* find;
  Peer server = {};  // none: not connected
  Calls calls = {};
  int last_id = 0;

  /// Looks like a call of the server's function. However often it is repeated, its id is the same.
  asio::awaitable<int> call(std::string method, int account) {
    const int id = ++last_id;
    for (;;) {
      if (!server) {
        server = connect(bank);
        asio::co_spawn(bank.loop, take_answers(server), pdc::rethrow);
      }
      const auto answer = std::make_shared<Answer>(bank.loop, 1);
      calls[id] = answer;
      send(server, std::to_string(id) + ' ' + method + ' ' + std::to_string(account) + '\n');
      const auto result = co_await answer->async_receive(asio::use_awaitable);
      if (result) co_return *result;
    }
  }

  /// One coroutine reads for all calls, as long as the connection lasts.
  asio::awaitable<void> take_answers(Peer from) {
    int id = 0, result = 0;
    while (std::istringstream(co_await read_line(from)) >> id >> result) {
      const auto found = find(calls, id);
      if (found == calls.end()) continue;  // nobody waits for it
      found->second->try_send(error_code(), result);
      calls.erase(found);
    }
    server.reset();
    for (const auto& call : std::exchange(calls, {}))
      call.second->try_send(error_code(), std::nullopt);  // nobody knows whether it was executed
  }
};

/// Wrong on purpose: a call that is repeated is a call like any other.
int execute_each(Bank& bank, int, const std::string& method, int account) {
  return bank.execute(method, account);
}

int execute_once(Bank& bank, int id, const std::string& method, int account) {
  if (!bank.answers.contains(id)) bank.answers[id] = bank.execute(method, account);  // no co_await
  return bank.answers[id];
}

struct Day {
  const int accounts;
  Bank bank;
  int answered = 0, wrong = 0, balance = 0;  // balance: in the answer to the payment
};

asio::awaitable<void> pay(Day& day, Stub& stub) {
  const pdc::Lane lane(pdc::task, "pays");
  const auto wait = lane.wait("payment");
  day.balance = co_await stub.call("pay", 0);
  const auto receive = lane.receive("{}", day.balance);
  if (stub.server) stub.server->socket.close();
}

asio::awaitable<void> ask(Day& day, Stub& stub, int account, pdc::Lane lane) {
  const auto wait = lane.wait("balance {}", account);
  const int balance = co_await stub.call("balance", account);
  const auto receive = lane.receive("{}", balance);
  if (balance != Bank::first_balance(account)) ++day.wrong;
  if (day.wrong == 1) pdc::fault("wrong answer");
  ++day.answered;
  if (day.answered == day.accounts) asio::co_spawn(day.bank.loop, pay(day, stub), pdc::rethrow);
}

void spend(Day& day, Find* find) {
  Stub stub{day.bank, find};
  for (int i = 0; i < day.accounts; ++i)
    asio::co_spawn(day.bank.loop, ask(day, stub, i, pdc::Lane(pdc::task, "asks {}", i)),
                   pdc::rethrow);
  PlayedClock::run(day.bank.loop);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"accounts", 3, "balances asked for at once", {2, 8}}});
  const int accounts = program.integer("accounts");
  Day without{accounts, {execute_each}}, with{accounts, {execute_once}};

  program.scene("without ids", spend, without, find_oldest);
  program.scene("with ids", spend, with, find_by_id);

  pdc::check(without.wrong == accounts, "without ids, a late answer makes all answers wrong",
             "{} of {}", without.wrong, accounts);
  pdc::check(with.bank.at_work.most() == accounts && with.wrong == 0,
             "with ids, each of the calls under way at once has its own answer", "{} of {}",
             accounts - with.wrong, accounts);
  pdc::check(without.bank.payments == 2, "without a memory, a repeated call is executed twice",
             "{} payments", without.bank.payments);
  pdc::check(with.bank.asked_to_pay == 2 && with.bank.payments == 1,
             "with answers remembered by id, a repeated call is executed once", "{} payment",
             with.bank.payments);
  pdc::check(with.balance == Bank::first_balance(0) - Bank::price,
             "the repeated call has the answer that was lost the first time", "{}", with.balance);
  return program.finish();
}
