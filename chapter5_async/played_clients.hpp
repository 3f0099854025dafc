// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"

#include <string>
#include <vector>

/// Plays the clients of a server that echoes, each over a pair of sockets: all have said their line
/// and hung up before the server reads, but the first one. It is silent until all the others have
/// been served. A read that blocks on it is given up after a while, so that the program ends.
/// Thread safety: one thread. Errors: std::system_error, with what the system refused.
class PlayedClients {
 public:
  /// Of so many clients, besides the silent one, which is client 0.
  explicit PlayedClients(int others);
  int others() const { return static_cast<int>(clients_.size()) - 1; }

  /// The server's end.
  int socket(int client) const;

  /// Reads what there is, with these flags of recv(2), and sends it back. False at the end of the
  /// connection, and if nothing came.
  bool echo(int client, int flags);

  /// How many of the others had been served when something came from the silent one, or when the
  /// read from it was given up.
  int meanwhile() const { return meanwhile_; }

  /// How many clients, the silent one included, have got back their line, and nothing else. Once.
  int echoed() const;

 private:
  struct Client {
    pdc::Descriptor near, far;
    std::string line;
  };
  static void speak(const Client& client);

  std::vector<Client> clients_;
  int served_ = 0, meanwhile_ = 0;
};
