// SPDX-License-Identifier: MIT
#pragma once

#include "../played_clock.hpp"
#include "line_peer.hpp"

#include "pdc/stage.hpp"

#include <map>
#include <string>

struct Bank;

/// What a server does with a call when it has the time. The result is sent as the answer.
using Execute = int(Bank& bank, int id, const std::string& method, int account);

/// A server that is asked for balances, and to pay. It plays two faults, the same in every run: the
/// balance of account 0 takes longer than all else, so its answer comes late; and when it has paid
/// for the first time, the connection breaks before the answer is sent.
struct Bank {
  static constexpr int price = 30;  // of what is paid
  static constexpr int first_balance(int account) { return 100 * (account + 1); }

  Execute* execute_call;
  boost::asio::io_context loop = {};
  std::map<int, int> answers = {};  // that it remembers, by the id of the call
  std::map<int, int> balances = {};
  int connections = 0, asked_to_pay = 0, payments = 0;
  pdc::Gauge at_work = {};  // on calls

  /// "balance" or "pay": the balance of the account afterwards.
  int execute(const std::string& method, int account);
};

/// Plays async_connect, and the async_accept of the server. The bank reads calls, "ID METHOD
/// ACCOUNT", until the client hangs up, and works on each while it reads on; it answers "ID RESULT".
Peer connect(Bank& bank);
