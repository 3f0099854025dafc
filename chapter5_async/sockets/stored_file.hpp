// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/timeline.hpp"

#include <boost/asio.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

/// SHA-256.
using Digest = std::array<unsigned char, 32>;

/// Any bytes, the same in each run, and their digest, computed at once.
std::string make_content(std::uint64_t size);
Digest digest_of(const std::string& content);

/// A file in memory, which has no name, so nothing is left behind. Reading and writing it blocks, as
/// with every file, so it has a thread for that, and whoever awaits it lets others run meanwhile.
/// Its disk is played, and slow. Thread safety: as that of an int. Errors: std::system_error.
class StoredFile {
 public:
  static constexpr std::uint64_t chunk = 1 << 12;  // bytes

  /// On the thread of the loop, which must not be blocked.
  explicit StoredFile(pdc::Lane lane);

  /// A chunk, or less at the end of the file.
  boost::asio::awaitable<std::string> read(std::uint64_t offset);
  /// All of the bytes. Requires: they live until it is done.
  boost::asio::awaitable<void> write(std::string_view bytes, std::uint64_t offset);
  /// Of what is stored. Errors, too: std::runtime_error if OpenSSL refuses.
  boost::asio::awaitable<Digest> digest();
  std::uint64_t size() const;

  /// How often the file was read or written, and how often the loop's thread did it.
  int uses() const { return uses_; }
  int blocked() const { return blocked_; }

 private:
  std::string read_chunk(std::uint64_t offset);
  void write_all(std::string_view bytes, std::uint64_t offset);
  Digest compute_digest();
  void count_use();

  pdc::Descriptor file_;
  pdc::Lane lane_;
  std::thread::id loop_ = std::this_thread::get_id();
  std::atomic<int> uses_ = 0, blocked_ = 0;
  boost::asio::thread_pool pool_{1};  // last: its end waits for its work, which uses the others
};
