// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/algorithm/hex.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

/// Where both ends have their secret from, and what the page `authentication` does with it.
namespace job_farm {

constexpr std::size_t shortest_secret = 16, longest_secret = 4096;  // bytes

/// The content of the file, without the end of its line. Ends the program with status 3 if it cannot
/// be read, if others may read it, or if it is too short or too long for a secret.
inline std::string read_secret(const std::string& file) {
  const auto refuse = [&](std::string_view why) {
    pdc::refuse(fmt::format("secret file {}: {}", file, why));
  };
  const pdc::Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  std::string secret(longest_secret + 1, '\0');
  if (fstat(opened.get(), &about) == 0 && (about.st_mode & 077) != 0)
    refuse("others may read it; chmod 600 it");
  const ssize_t count = read(opened.get(), secret.data(), secret.size());
  if (count == -1) refuse(std::generic_category().message(errno));
  secret.resize(static_cast<std::size_t>(count));
  while (secret.ends_with('\n')) secret.pop_back();
  if (secret.size() < shortest_secret || secret.size() > longest_secret)
    refuse(fmt::format("a secret has {} to {} bytes", shortest_secret, longest_secret));
  return secret;
}

inline std::string to_hex(std::string_view bytes) {
  std::string text;
  boost::algorithm::hex_lower(bytes, std::back_inserter(text));
  return text;
}

inline std::string new_challenge() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("RAND_bytes failed");
  return to_hex({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

/// The page's keyed_hash(), for many texts under one key: the key is taken in once. Errors:
/// std::runtime_error.
class KeyedHash {
 public:
  explicit KeyedHash(std::string_view key) {
    std::array<char, 7> digest{"SHA256"};
    const std::array parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
        OSSL_PARAM_construct_end()};
    require(context_ && EVP_MAC_init(context_.get(), to_bytes(key), key.size(), parameters.data()));
  }

  std::string operator()(std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
    std::size_t size = 0;
    require(EVP_MAC_init(context_.get(), nullptr, 0, nullptr));  // the same key once more
    require(EVP_MAC_update(context_.get(), to_bytes(text), text.size()));
    require(EVP_MAC_final(context_.get(), hash.data(), &size, hash.size()));
    return to_hex({reinterpret_cast<const char*>(hash.data()), size});
  }

 private:
  struct Free {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  static const unsigned char* to_bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  static void require(bool done) {
    if (!done) throw std::runtime_error("HMAC failed");
  }

  std::unique_ptr<EVP_MAC, Free> mac_{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  std::unique_ptr<EVP_MAC_CTX, Free> context_{EVP_MAC_CTX_new(mac_.get())};
};

/// Takes equally long wherever they differ.
inline bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// A random secret for the programs that this one starts, in a file in memory: they inherit its
/// descriptor, and no other user may open it. Errors: std::system_error.
class OwnSecret {
 public:
  OwnSecret() {
    const std::string secret = new_challenge();
    pdc::posix(fchmod(file_.get(), 0600), "fchmod");
    pdc::posix(write(file_.get(), secret.data(), secret.size()), "write");
  }

  /// Its name in this program and in those that it starts.
  std::string file() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

 private:
  // Not closed on exec.
  const pdc::Descriptor file_{pdc::posix(memfd_create("secret", 0), "memfd_create")};
};

}  // namespace job_farm
