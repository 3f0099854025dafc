// SPDX-License-Identifier: MIT
#include "attacker.hpp"

#include "pdc/print.hpp"
#include "pdc/timeline.hpp"

#include <array>
#include <chrono>
#include <thread>

namespace {

constexpr std::string_view secret = "only client and server know it";  // in real life random bytes

struct Attack {
  const char* name;
  Party speaker;
  Texts said;  // for the attacker to hear
  Session session;
  std::vector<Line> lines;  // from the attacker to the target
  Texts right = {};         // what the target may take of them
  Party target = server;
};

std::vector<Attack> make_attacks(Seal* seal) {
  const Session session{std::string(secret), new_challenge(), new_challenge()};
  // Later sessions: one side has made a new challenge, and the attacker sends it an old one.
  const Session new_server{session.secret, session.challenge_of_client, new_challenge()};
  const Session new_client{session.secret, new_challenge(), session.challenge_of_server};
  const auto line = [&](Party sender, std::size_t number, const char* text) {
    return Line{text, seal(session, sender, number, text)};
  };
  const Line pay = line(client, 0, "pay 7"), tea = line(client, 1, "tea 3");
  const Line owe = line(server, 0, "owe 5");
  Session guess = session;  // of the attacker, who takes the code that it has heard for the secret
  guess.secret = pay.code;
  return {{"no attack", client, {"pay 7", "tea 3"}, session, {pay, tea}, {"pay 7", "tea 3"}},
          {"no code", client, {}, session, {{"pay 9", ""}}},
          {"changed", client, {"pay 7"}, session, {{"pay 9", pay.code}, pay}},
          {"forged", client, {"pay 7"}, session, {{"pay 9", seal(guess, client, 0, "pay 9")}}},
          {"repeated", client, {"pay 7"}, session, {pay, pay}, {"pay 7"}},
          {"left out", client, {"pay 7", "tea 3"}, session, {tea}},
          {"reflected", server, {"owe 5"}, session, {owe}},
          {"replayed", client, {}, new_server, {pay}},
          {"replayed to client", server, {}, new_client, {owe}, {}, client}};
}

}  // namespace

/// One succeeds if the target takes something else than it may.
std::string attack(Seal* seal) {
  const std::array lanes = {pdc::Lane("client"), pdc::Lane("attacker"), pdc::Lane("server")};
  const auto pass = [&](Party from, Party to, const std::string& text) {
    const auto sent = lanes[from].send("{}", text);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays the network
    const auto received = lanes[to].receive("{}", text);
  };
  Texts successes;
  for (const Attack& attack : make_attacks(seal)) {
    for (const std::string& text : attack.said) pass(attack.speaker, attacker, text);
    for (const Line& line : attack.lines) pass(attacker, attack.target, line.text);
    const Party sender = attack.target == server ? client : server;
    if (take(seal, attack.session, sender, attack.lines) == attack.right) {
      pdc::mark(attack.name);
    } else {
      pdc::fault(attack.name);
      successes.emplace_back(attack.name);
    }
  }
  return pdc::join(successes);
}
