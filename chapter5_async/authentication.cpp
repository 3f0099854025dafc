// Authentication: each line proves who sent it, in which session, and in which place.
//
// Concept   A password that is sent is known to whoever listens. So the secret stays at home: each
//           side sends a challenge, random bytes, and both make a key of the secret and these. Each
//           line then has a code, a keyed hash over its sender, its number and its text. What is
//           changed, repeated, left out or sent once more on the way has a wrong code.
// Shows     HMAC, RAND_bytes, CRYPTO_memcmp
// Python    hmac.digest, hmac.compare_digest, secrets.token_bytes
// Run       authentication
// You see   an attacker between client and server: five attacks succeed, or four, or none
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

constexpr std::string_view secret = "only client and server know it";  // in real life from a file

std::string keyed_hash(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const auto length = static_cast<int>(key.size());
  if (HMAC(EVP_sha256(), key.data(), length, bytes, text.size(), hash.data(), &size) == nullptr)
    throw std::runtime_error("HMAC failed");
  return {hash.begin(), hash.begin() + size};
}

/// Takes as long wherever they differ: or an attacker could find the code byte by byte.
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
  std::string challenge_of_client, challenge_of_server;  // the attacker hears them, too
};
using Seal = std::string(const Session&, Party sender, std::size_t number, std::string_view text);

std::string seal(const Session& session, Party sender, std::size_t number, std::string_view text) {
  const std::string challenges = session.challenge_of_client + session.challenge_of_server;
  const std::string key = keyed_hash(secret, challenges);
  return keyed_hash(key, fmt::format("{} {} {}", static_cast<int>(sender), number, text));
}

/// Wrong on purpose: whoever hears it can send it along.
std::string send_secret(const Session&, Party, std::size_t, std::string_view) {
  return std::string(secret);
}

/// Wrong on purpose: it says that one of the two has sent this text, but neither which nor when.
std::string seal_text(const Session&, Party, std::size_t, std::string_view text) {
  return keyed_hash(secret, text);
}

struct Line {
  std::string text, code;
};
using Texts = std::vector<std::string>;

/// Returns what the server takes for the client's: all up to the first line with a wrong code.
Texts take(Seal* seal, const Session& session, const std::vector<Line>& lines) {
  Texts taken;
  for (const Line& line : lines) {
    if (!is_same(line.code, seal(session, client, taken.size(), line.text))) break;
    taken.push_back(line.text);
  }
  return taken;
}

struct Attack {
  const char* name;
  Party speaker;
  Texts said;  // for the attacker to hear
  Session session;
  std::vector<Line> lines;  // from the attacker to the server
  Texts right = {};         // what the server may take of them
};

std::vector<Attack> make_attacks(Seal* seal) {
  const Session session{new_challenge(), new_challenge()};
  const Session later{session.challenge_of_client, new_challenge()};  // the server's is a new one
  const auto line = [&](Party sender, std::size_t number, const char* text) {
    return Line{text, seal(session, sender, number, text)};
  };
  const Line pay = line(client, 0, "pay 7"), tea = line(client, 1, "tea 3");
  return {{"no attack", client, {"pay 7", "tea 3"}, session, {pay, tea}, {"pay 7", "tea 3"}},
          {"changed", client, {"pay 7"}, session, {{"pay 9", pay.code}}},
          {"repeated", client, {"pay 7"}, session, {pay, pay}, {"pay 7"}},
          {"left out", client, {"pay 7", "tea 3"}, session, {tea}},
          {"reflected", server, {"owe 5"}, session, {line(server, 0, "owe 5")}},
          {"replayed", client, {}, later, {pay}}};
}

/// Returns those that succeed: the server takes something else than it may.
Texts attack(Seal* seal) {
  const std::array lanes = {pdc::Lane("client"), pdc::Lane("attacker"), pdc::Lane("server")};
  const auto pass = [&](Party from, Party to, const std::string& text) {
    const auto sent = lanes[from].send("{}", text);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays the network
    const auto received = lanes[to].receive("{}", text);
  };
  Texts successes;
  for (const Attack& attack : make_attacks(seal)) {
    for (const std::string& text : attack.said) pass(attack.speaker, attacker, text);
    for (const Line& line : attack.lines) pass(attacker, server, line.text);
    if (take(seal, attack.session, attack.lines) == attack.right) {
      pdc::mark(attack.name);
    } else {
      pdc::fault(attack.name);
      successes.emplace_back(attack.name);
    }
  }
  return successes;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv);

  const Texts by_secret = program.scene("the secret is sent", attack, send_secret);
  const Texts by_text = program.scene("a code over the text", attack, seal_text);
  const Texts by_all = program.scene("a code over session, sender, number, text", attack, seal);

  pdc::check(by_secret == Texts{"changed", "repeated", "left out", "reflected", "replayed"},
             "where the secret is sent, every attack succeeds", "{}", pdc::join(by_secret));
  pdc::check(by_text == Texts{"repeated", "left out", "reflected", "replayed"},
             "a code over the text stops changes, and no other attack", "{}", pdc::join(by_text));
  pdc::check(
      by_all.empty(),
      "a code over session, sender, number and text stops all attacks, and no line of the client",
      "{}", by_all.empty() ? "none" : pdc::join(by_all));
  return program.finish();
}
