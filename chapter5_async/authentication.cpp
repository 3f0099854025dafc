// Authentication: each line proves who sent it, in which session, and in which place.
//
// Concept   A password that is sent is known to whoever listens. So each side keeps the secret to
//           itself and sends a challenge, random bytes; both make a key of the secret and these.
//           Each line then has a code, a keyed hash over its sender, number and text. A line that
//           is changed, forged, repeated or replayed, or comes after one left out, has a wrong one.
// Shows     HMAC, RAND_bytes, CRYPTO_memcmp
// Python    hmac.digest, hmac.compare_digest, secrets.token_bytes
// Run       authentication
// You see   an attacker between client and server: seven attacks succeed, or five, or none
// Next      coordinator and its workers prove to each other who they are

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

constexpr std::string_view secret = "only client and server know it";  // in real life random bytes

std::string keyed_hash(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const auto length = static_cast<int>(key.size());
  if (HMAC(EVP_sha256(), key.data(), length, bytes, text.size(), hash.data(), &size) == nullptr)
    throw std::runtime_error("HMAC failed");
  return {hash.begin(), hash.begin() + size};
}

/// Takes equally long wherever they differ: otherwise, under a key that stays, an attacker could
/// find the code part by part.
bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string new_challenge() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("RAND_bytes failed");
  return {bytes.begin(), bytes.end()};
}

enum Party { client, attacker, server };
struct Session {
  std::string secret;
  std::string challenge_of_client, challenge_of_server;  // the attacker hears them, too
};
using Seal = std::string(const Session&, Party sender, std::size_t number, std::string_view text);

std::string seal(const Session& session, Party sender, std::size_t number, std::string_view text) {
  const std::string challenges = session.challenge_of_client + session.challenge_of_server;
  const std::string key = keyed_hash(session.secret, challenges);
  return keyed_hash(key, fmt::format("{} {} {}", static_cast<int>(sender), number, text));
}

/// Wrong on purpose: whoever hears it can send it, too.
std::string send_secret(const Session& session, Party, std::size_t, std::string_view) {
  return session.secret;
}

/// Wrong on purpose: it says that one of the two has sent this text, but neither which nor when.
std::string seal_text(const Session& session, Party, std::size_t, std::string_view text) {
  return keyed_hash(session.secret, text);
}

struct Line {
  std::string text, code;
};
using Texts = std::vector<std::string>;

/// Returns what is taken for the sender's: all up to the first line with a wrong code.
Texts take(Seal* seal, const Session& session, Party sender, const std::vector<Line>& lines) {
  Texts taken;
  for (const Line& line : lines) {
    if (!is_same(line.code, seal(session, sender, taken.size(), line.text))) break;
    taken.push_back(line.text);
  }
  return taken;
}

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

/// Returns those that succeed: the target takes something else than it may.
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

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const auto by_secret = program.scene("the secret is sent", attack, send_secret);
  const auto by_text = program.scene("a code over the text", attack, seal_text);
  const auto by_all = program.scene("a code over session, sender, number, text", attack, seal);

  const std::string as_heard = "repeated, left out, reflected, replayed, replayed to client";
  pdc::check(by_secret == "changed, forged, " + as_heard, "a secret that was heard stops nobody",
             "{}", by_secret);
  pdc::check(by_text == as_heard, "a code over the text stops only changes and forgery", "{}",
             by_text);
  pdc::check(
      by_all.empty(),
      "a code over session, sender, number and text stops these attacks, and no line of the client",
      "{}", by_all.empty() ? "none" : by_all);
  return program.finish();
}
