// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

/// Who meets whom in mutual_tls. Their certificates are made here, and are nowhere but in memory. Real
/// ones come from an authority, as files.

/// What one side shows, and what it proves with. Both are PEM, as such files are.
struct Identity {
  std::string certificate, private_key;
};

/// A client that meets a server.
struct Pair {
  std::string who;
  Identity client, server;
};

struct Company {
  std::string authority;  // its certificate, for those who trust it
  std::vector<Pair> pairs;
};

/// The right client and the right server, and then each with those who are not the other one.
Company invite(const std::string& server, const std::string& client);
