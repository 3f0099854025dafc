// SPDX-License-Identifier: MIT
#pragma once

#include "pdc/process.hpp"
#include "pdc/refuse.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

/// What both sides of a farm know, and nobody else.
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
  if (opened.get() == -1 || fstat(opened.get(), &about) == -1)
    refuse(std::generic_category().message(errno));
  if ((about.st_mode & 077) != 0) refuse("others may read it; chmod 600 it");
  std::string secret(longest_secret + 1, '\0');
  const ssize_t count = read(opened.get(), secret.data(), secret.size());
  if (count == -1) refuse(std::generic_category().message(errno));
  secret.resize(static_cast<std::size_t>(count));
  while (secret.ends_with('\n')) secret.pop_back();
  if (secret.size() < shortest_secret || secret.size() > longest_secret)
    refuse(fmt::format("a secret has {} to {} bytes", shortest_secret, longest_secret));
  return secret;
}

/// A random secret for the programs that this one starts, in a file in memory: they inherit its
/// descriptor, and no other user may open it. Errors: std::system_error.
class OwnSecret {
 public:
  OwnSecret() {
    std::array<char, 32> bytes;
    pdc::posix(getrandom(bytes.data(), bytes.size(), 0), "getrandom");
    pdc::posix(fchmod(file_.get(), 0600), "fchmod");
    pdc::posix(write(file_.get(), bytes.data(), bytes.size()), "write");
  }

  /// Its name in this program and in those that it starts.
  std::string file() const { return fmt::format("/proc/self/fd/{}", file_.get()); }

 private:
  const pdc::Descriptor file_{
      pdc::posix(memfd_create("secret", 0), "memfd_create")};  // not closed on exec
};

}  // namespace job_farm
