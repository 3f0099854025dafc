// SPDX-License-Identifier: MIT
#pragma once

#include "raft.hpp"

#include "pdc/process.hpp"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

/// A node of the replicated log: a process, with a socket to its program, which plays the network,
/// the clock and the clients, and with a file that outlives it.

/// What a client asks. A second one of the same number is the same again: it has had no answer.
struct Command {
  int client, number;
  bool is_put;
  int key, value;
};

struct Answer {
  int client = 0, number = 0, value = 0;
};

/// What a node takes in one step: a message, or a command, or neither, which is a tick.
struct Input {
  std::vector<raft::Message> message = {};
  std::vector<Command> command = {};
};

/// What it says after the step.
struct Report {
  raft::Role role;
  raft::Term term;
  std::vector<raft::Message> sent;
  raft::Index first;  // of those that it has executed
  std::vector<raft::Entry> executed;
  std::vector<Answer> answers;  // a leader's
};

/// Numbers under keys. All nodes execute the same commands in the same order, so all have the same.
class Store {
 public:
  /// A command that comes again is not done again, and has the same answer.
  Answer execute(const Command& command);

 private:
  std::map<int, int> values_;
  std::map<int, Answer> last_;  // of each client: it asks one thing after the other
};

std::string to_text(const Command& command);
std::string to_text(const Input& input);
Command to_command(const std::string& text);
Report to_report(const std::string& text);

/// One datagram, whole. Empty: there is nobody at the other end. Errors: std::system_error.
std::string receive(const pdc::Descriptor& socket);
/// Whether there is anybody. Errors: std::system_error.
bool send(const pdc::Descriptor& socket, const std::string& text);

/// A file without a name, as on the page `journal`, and what has been written to it as a whole.
/// Errors: std::system_error.
pdc::Descriptor open_file();
raft::Durable read_file(const pdc::Descriptor& file);

constexpr int disk_is_full = 28;  // the status of a node that could not write

/// In a child: until the program is gone. Ends at once, and says nothing, if the disk is full.
void live(const pdc::Descriptor& socket, const pdc::Descriptor& file, raft::Raft node);
