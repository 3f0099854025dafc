// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/core.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <boost/algorithm/hex.hpp>

#include <array>
#include <cstdint>
#include <iterator>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

/// Two that share a secret prove it to each other without telling it, and then seal every line that
/// they say. All of it is HMAC-SHA-256 (RFC 2104). Nothing is hidden by it.
namespace job_farm {

/// HMAC-SHA-256 under one key. Errors: std::runtime_error.
class Mac {
 public:
  using Code = std::array<unsigned char, 32>;

  explicit Mac(std::string_view key) {
    std::array<char, 7> digest{"SHA256"};
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    const auto* bytes = reinterpret_cast<const unsigned char*>(key.data());
    require(context_ && EVP_MAC_init(context_.get(), bytes, key.size(), parameters.data()) == 1);
  }

  Code operator()(std::string_view text) {
    Code code{};
    std::size_t length = 0;
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1 &&  // the same key once more
            EVP_MAC_update(context_.get(), bytes, text.size()) == 1 &&
            EVP_MAC_final(context_.get(), code.data(), &length, code.size()) == 1);
    return code;
  }

 private:
  struct Free {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  static void require(bool good) {
    if (!good) throw std::runtime_error("HMAC failed");
  }

  std::unique_ptr<EVP_MAC, Free> mac_{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  std::unique_ptr<EVP_MAC_CTX, Free> context_{EVP_MAC_CTX_new(mac_.get())};
};

inline std::string hexadecimal(std::span<const unsigned char> bytes) {
  std::string text;
  boost::algorithm::hex_lower(bytes.begin(), bytes.end(), std::back_inserter(text));
  return text;
}

/// In the same time whatever differs: how long it takes tells nothing about how much was right.
inline bool is_same(std::string_view given, std::string_view right) {
  return given.size() == right.size() &&
         CRYPTO_memcmp(given.data(), right.data(), right.size()) == 0;
}

constexpr std::size_t challenge_length = 64;  // 32 bytes in hexadecimal

inline std::string new_challenge() {
  std::array<unsigned char, challenge_length / 2> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("no random bytes");
  return hexadecimal(bytes);
}

/// What both sides have said when they know each other's challenge: no other connection has the same.
struct Greeting {
  std::string coordinators, workers;  // challenges
  std::string name;                   // of the worker

  /// Who says that it knows the secret, or what a key is for, is in it, so that no code can be taken
  /// for another one.
  std::string proof(std::string_view secret, std::string_view role) const {
    return hexadecimal(code(secret, fmt::format("{} proves", role)));
  }
  std::string key(std::string_view secret, std::string_view role) const {
    return hexadecimal(code(secret, fmt::format("{} seals", role)));
  }

 private:
  Mac::Code code(std::string_view secret, std::string_view use) const {
    return Mac(secret)(fmt::format("{} {} {} {}", use, coordinators, workers, name));
  }
};

/// The codes of the lines that one side says, one after the other. The number of the line is in its
/// code: none can be changed, left out, said twice or said in another order by who lacks the key.
class Seal {
 public:
  explicit Seal(std::string_view key) : mac_(key) {}

  /// Of the next line: the first 16 bytes of its code, in hexadecimal.
  std::string next(std::string_view text) {
    const Mac::Code code = mac_(fmt::format("{} {}", lines_++, text));
    return hexadecimal(std::span(code).first<16>());
  }

 private:
  Mac mac_;
  std::uint64_t lines_ = 0;
};

}  // namespace job_farm
