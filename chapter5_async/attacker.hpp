// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

/// What authentication.cpp defends, and attacker.cpp attacks.

enum Party { client, attacker, server };
struct Session {
  std::string secret;
  std::string challenge_of_client, challenge_of_server;  // the attacker hears them, too
};
using Seal = std::string(const Session&, Party sender, std::size_t number, std::string_view text);

struct Line {
  std::string text, code;
};
using Texts = std::vector<std::string>;

/// Returns what is taken for the sender's: all up to the first line with a wrong code.
Texts take(Seal* seal, const Session& session, Party sender, const std::vector<Line>& lines);

std::string new_challenge();

/// Attacks whatever is sealed so, and returns those attacks that succeed.
std::string attack(Seal* seal);
