// SPDX-License-Identifier: MIT
#include "stored_file.hpp"

#include <openssl/evp.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <stdexcept>
#include <utility>

namespace asio = boost::asio;
using namespace std::chrono_literals;

std::string make_content(std::uint64_t size) {
  std::mt19937 random;  // with its default seed
  std::string content(size, '\0');
  std::ranges::generate(content, [&] { return static_cast<char>(random() & 0xff); });
  return content;
}

Digest digest_of(const std::string& content) {
  Digest digest{};
  if (EVP_Digest(content.data(), content.size(), digest.data(), nullptr, EVP_sha256(), nullptr) !=
      1)
    throw std::runtime_error("OpenSSL refuses SHA-256");
  return digest;
}

StoredFile::StoredFile(pdc::Lane lane)
    : file_(pdc::posix(memfd_create("stored", MFD_CLOEXEC), "memfd_create")),
      lane_(std::move(lane)) {}

void StoredFile::count_use() {
  ++uses_;
  if (std::this_thread::get_id() == loop_) ++blocked_;
}

std::string StoredFile::read_chunk(std::uint64_t offset) {
  count_use();
  std::string bytes(chunk, '\0');
  const auto at = static_cast<off_t>(offset);
  bytes.resize(pdc::posix(pread(file_.get(), bytes.data(), bytes.size(), at), "pread"));
  return bytes;
}

void StoredFile::write_all(std::string_view bytes, std::uint64_t offset) {
  count_use();
  while (!bytes.empty()) {
    const auto at = static_cast<off_t>(offset);
    const auto written = pdc::posix(pwrite(file_.get(), bytes.data(), bytes.size(), at), "pwrite");
    bytes.remove_prefix(written);
    offset += written;
  }
}

Digest StoredFile::compute_digest() {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        EVP_MD_CTX_free);
  bool is_good = context && EVP_DigestInit(context.get(), EVP_sha256()) == 1;
  std::string bytes = read_chunk(0);
  for (std::uint64_t offset = 0; is_good && !bytes.empty(); bytes = read_chunk(offset)) {
    is_good = EVP_DigestUpdate(context.get(), bytes.data(), bytes.size()) == 1;
    offset += bytes.size();
  }
  Digest digest{};
  if (!is_good || EVP_DigestFinal(context.get(), digest.data(), nullptr) != 1)
    throw std::runtime_error("OpenSSL refuses SHA-256");
  return digest;
}

asio::awaitable<std::string> StoredFile::read(std::uint64_t offset) {
  const auto body = [this, offset]() -> asio::awaitable<std::string> {
    const auto work = lane_.work("reads");
    std::this_thread::sleep_for(1ms);  // plays a disk
    co_return read_chunk(offset);
  };
  co_return co_await asio::co_spawn(pool_, body, asio::use_awaitable);
}

asio::awaitable<void> StoredFile::write(std::string_view bytes, std::uint64_t offset) {
  const auto body = [this, bytes, offset]() -> asio::awaitable<void> {
    const auto work = lane_.work("writes");
    write_all(bytes, offset);
    co_return;
  };
  co_await asio::co_spawn(pool_, body, asio::use_awaitable);
}

asio::awaitable<Digest> StoredFile::digest() {
  const auto body = [this]() -> asio::awaitable<Digest> {
    const auto work = lane_.work("digest");
    co_return compute_digest();
  };
  co_return co_await asio::co_spawn(pool_, body, asio::use_awaitable);
}

std::uint64_t StoredFile::size() const {
  struct stat status {};
  pdc::posix(fstat(file_.get(), &status), "fstat");
  return static_cast<std::uint64_t>(status.st_size);
}
