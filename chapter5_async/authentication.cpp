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
#include "attacker.hpp"

#include "pdc/program.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <array>
#include <stdexcept>

namespace {

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

}  // namespace

std::string new_challenge() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("RAND_bytes failed");
  return {bytes.begin(), bytes.end()};
}

Texts take(Seal* seal, const Session& session, Party sender, const std::vector<Line>& lines) {
  Texts taken;
  for (const Line& line : lines) {
    if (!is_same(line.code, seal(session, sender, taken.size(), line.text))) break;
    taken.push_back(line.text);
  }
  return taken;
}

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
