// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// How two that share a secret prove it to each other without telling it: each sends a challenge,
/// random bytes that were never used before, and each answers with a keyed hash (HMAC-SHA-256, RFC
/// 2104) over both. It proves who was there at the beginning; it does not hide what is said then.
namespace job_farm {

constexpr std::size_t proof_length = 64;  // of a challenge too: 32 bytes in hexadecimal

inline std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

inline std::string new_challenge() {
  std::array<unsigned char, proof_length / 2> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) pdc::refuse("RAND_bytes: no random bytes");
  return hexadecimal(bytes);
}

/// The hash over who speaks and both challenges. The word for the role is in it so that nobody can
/// send a proof back to the one that it came from.
inline std::string proof(std::string_view secret, std::string_view role,
                         std::string_view coordinators, std::string_view workers) {
  const std::string text = fmt::format("{} {} {}", role, coordinators, workers);
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned length = 0;
  if (HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data(),
           &length) == nullptr)
    throw std::runtime_error("HMAC failed");
  return hexadecimal(std::span(hash).first(length));
}

/// In the same time whatever differs: how long it takes tells nothing about how much was right.
inline bool is_same(std::string_view given, std::string_view right) {
  return given.size() == right.size() &&
         CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

/// The content of the file, without the end of its line; an empty secret if no file is named. Ends
/// the program with status 3 if it is empty, or anybody else may read it.
inline std::string read_secret(const std::string& file) {
  if (file.empty()) return "";
  const pdc::Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (opened.get() == -1 || fstat(opened.get(), &about) == -1)
    pdc::refuse(fmt::format("open {}: {}", file, std::generic_category().message(errno)));
  if ((about.st_mode & 077) != 0)
    pdc::refuse(fmt::format("{}: others may read it; chmod 600 {}", file, file));
  std::array<char, 4096> bytes;
  const ssize_t count = read(opened.get(), bytes.data(), bytes.size());
  std::string secret(bytes.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  while (secret.ends_with('\n')) secret.pop_back();
  if (secret.empty()) pdc::refuse(fmt::format("{}: no secret in it; write one line", file));
  return secret;
}

}  // namespace job_farm
