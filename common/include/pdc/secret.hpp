// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pdc/process.hpp"

/// A secret that both ends of a connection know, and the proof of it in each line that they send, as
/// on the page `authentication`. Links pdc::secret. Thread safety: as that of a vector.
namespace pdc {

/// The content of the file, without the end of its line. Errors: ends the program with status 3 if
/// it cannot be read, if others may use it, or if it has less than 16 or more than 4096 bytes.
std::string read_secret(const std::string& file);

/// A random secret for the programs that this one starts, in a file in memory: they inherit its
/// descriptor, and no other user may open it. Errors: std::system_error.
class OwnSecret {
 public:
  OwnSecret();
  /// Its name in this program and in those that it starts.
  std::string file() const;

 private:
  Descriptor file_;  // not closed on exec
};

/// 32 random bytes in hexadecimal: no other side can have known them before. Errors:
/// std::runtime_error.
std::string new_challenge();

/// Who accepts a connection, and who makes it.
enum class Side { server, client };

/// Puts codes on one side's lines, and checks those of the other side. Each is a keyed hash
/// (HMAC-SHA-256, in hexadecimal) over the sender, the number of the line and its text; the key is
/// such a hash over both challenges, the server's first, under the secret. So a line that was
/// changed, left out, repeated, sent back, or is of another connection has a wrong code. Requires:
/// lines arrive in their order. Errors: std::runtime_error if OpenSSL refuses.
class Seal {
 public:
  Seal(std::string_view secret, Side me, std::string_view my_challenge,
       std::string_view their_challenge);
  ~Seal();
  Seal(const Seal&) = delete;
  Seal& operator=(const Seal&) = delete;

  /// This side's next line: the text, a space, and its code.
  std::string close(std::string_view text);

  /// The text of the other side's next line, a part of `line`. None if its code is wrong: then no
  /// later line is to be believed, either.
  std::optional<std::string_view> open(std::string_view line);

 private:
  class KeyedHash;
  std::string code_of(Side sender, std::uint64_t number, std::string_view text);

  const Side me_;
  std::unique_ptr<KeyedHash> hash_;
  std::uint64_t closed_ = 0, opened_ = 0;  // lines
};

}  // namespace pdc
