// SPDX-License-Identifier: MIT
#include "pdc/secret.hpp"

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
#include <stdexcept>
#include <system_error>

#include "pdc/refuse.hpp"

namespace pdc {

namespace {

constexpr std::size_t shortest_secret = 16, longest_secret = 4096;  // bytes

std::string to_hex(const unsigned char* bytes, std::size_t size) {
  std::string text;
  boost::algorithm::hex_lower(bytes, bytes + size, std::back_inserter(text));
  return text;
}

const unsigned char* to_bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

/// Takes equally long wherever they differ.
bool is_same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace

std::string read_secret(const std::string& file) {
  const auto refuse = [&](std::string_view why) {
    pdc::refuse(fmt::format("secret file {}: {}", file, why));
  };
  const Descriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
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

OwnSecret::OwnSecret() : file_(posix(memfd_create("secret", 0), "memfd_create")) {
  const std::string secret = new_challenge();
  posix(fchmod(file_.get(), 0600), "fchmod");
  posix(write(file_.get(), secret.data(), secret.size()), "write");
}

std::string OwnSecret::file() const {
  return fmt::format("/proc/self/fd/{}", file_.get());
}

std::string new_challenge() {
  std::array<unsigned char, 32> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) throw std::runtime_error("RAND_bytes failed");
  return to_hex(bytes.data(), bytes.size());
}

/// For many texts under one key: the key is taken in once.
class Seal::KeyedHash {
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
    return to_hex(hash.data(), size);
  }

 private:
  struct Free {
    void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
  };
  static void require(bool done) {
    if (!done) throw std::runtime_error("HMAC failed");
  }

  std::unique_ptr<EVP_MAC, Free> mac_{EVP_MAC_fetch(nullptr, "HMAC", nullptr)};
  std::unique_ptr<EVP_MAC_CTX, Free> context_{EVP_MAC_CTX_new(mac_.get())};
};

Seal::Seal(std::string_view secret, Side me, std::string_view my_challenge,
           std::string_view their_challenge)
    : me_(me) {
  std::string challenges(me == Side::server ? my_challenge : their_challenge);
  challenges += me == Side::server ? their_challenge : my_challenge;
  hash_ = std::make_unique<KeyedHash>(KeyedHash(secret)(challenges));
}

Seal::~Seal() = default;

std::string Seal::close(std::string_view text) {
  std::string code = code_of(me_, closed_, text);
  ++closed_;
  return fmt::format("{} {}", text, code);
}

std::optional<std::string_view> Seal::open(std::string_view line) {
  const std::size_t end = line.rfind(' ');
  if (end == std::string_view::npos) return std::nullopt;
  const std::string_view text = line.substr(0, end);
  const Side other = me_ == Side::server ? Side::client : Side::server;
  if (!is_same(line.substr(end + 1), code_of(other, opened_, text))) return std::nullopt;
  ++opened_;
  return text;
}

std::string Seal::code_of(Side sender, std::uint64_t number, std::string_view text) {
  return (*hash_)(fmt::format("{} {} {}", static_cast<int>(sender), number, text));
}

}  // namespace pdc
