// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <boost/algorithm/hex.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <iterator>
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

inline std::string keyed_hash(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash;
  unsigned size = 0;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const auto length = static_cast<int>(key.size());
  if (HMAC(EVP_sha256(), key.data(), length, bytes, text.size(), hash.data(), &size) == nullptr)
    throw std::runtime_error("HMAC failed");
  return to_hex({reinterpret_cast<const char*>(hash.data()), size});
}

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
