// Ipc: pipe, socket pair and shared memory side by side.
//
// Concept   Interprocess communication is copying. Pipe and socket pair copy into the kernel and
//           out of it, with calls, and bring a long message in pieces. A ring of slots copies in
//           memory that both sides share; the kernel is called only to wait, and to wake.
// Shows     pipe2, socketpair, read, write, boost::interprocess::interprocess_semaphore
// Python    multiprocessing.Pipe, multiprocessing.shared_memory
// Run       ipc --rounds 9
// You see   the same data through each, the time of a round trip, and how much gets through
// Next      pipe and message_queue show how they are used; shared_memory copies nothing at all

// SPDX-License-Identifier: MIT
#include "ring.hpp"
#include "ways.hpp"

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <vector>

namespace {

constexpr std::size_t all = 4 << 20;  // bytes of a message

struct Results {  // in memory that the parent shares
  std::array<std::array<char, all>, 3> received;
  int answers;  // that were there, and right, when the sender went on
};

void write_all(int file, std::span<const char> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), bytes.size());
    if (written == -1 && errno == EINTR) continue;
    if (written == -1) throw std::system_error(errno, std::generic_category(), "write");
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

/// A stream brings what was written in pieces of any size. False if it ends before all has come.
bool read_all(int file, std::span<char> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = read(file, bytes.data(), bytes.size());
    if (got == -1 && errno == EINTR) continue;
    if (got == -1) throw std::system_error(errno, std::generic_category(), "read");
    if (got == 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

/// A pipe, or one direction of a socket pair. The ends stay open as long as the program runs.
Line stream(int from, int to) {
  return [=](Side side, std::span<char> bytes) {
    if (side == sender) write_all(to, bytes);
    if (side == receiver) pdc::require(read_all(from, bytes), "no stream ends within a message");
  };
}

Line ring() {
  const auto shared = std::make_shared<pdc::Shared<Ring>>();
  return [=](Side side, std::span<char> bytes) {
    if (side == sender) (*shared)->send(bytes);
    if (side == receiver) (*shared)->receive(bytes);
  };
}

Ways make_ways() {
  int there[2], back[2], pair[2];
  pdc::posix(pipe2(there, O_CLOEXEC), "pipe2");
  pdc::posix(pipe2(back, O_CLOEXEC), "pipe2");
  pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  return {{{"pipe", stream(there[0], there[1]), stream(back[0], back[1])},
           {"socket pair", stream(pair[1], pair[0]), stream(pair[0], pair[1])},
           {"shared ring", ring(), ring()}}};
}

/// The message so many times, then its beginning back. Has the sender got that?
bool exchange(const Way& way, Side side, std::span<char> message, int times) {
  for (int i = 0; i < times; ++i) way.there(side, message);
  std::array<char, small> answer = {};
  if (side == receiver) std::ranges::copy(message.first(small), answer.begin());
  way.back(side == sender ? receiver : sender, answer);
  return std::ranges::equal(answer, message.first(small));
}

/// In two children, whose parent watches both: no semaphore tells one that the other is dead.
void run_both(const std::function<void(Side)>& act) {
  std::vector<pdc::Child> sides;
  for (const Side side : {sender, receiver}) sides.emplace_back([&act, side] { act(side); });
  for (std::size_t ended = 0; ended < sides.size(); ++ended) {
    const pdc::Exit end = sides[pdc::next_to_end(sides)].wait();
    if (!end.good()) pdc::require(false, "no process died on the way", "{}", end.text());
  }
}

void pass(const Ways& ways, std::span<char> data, Results& results) {
  const pdc::Lane from("sender"), to("receiver");
  run_both([&](Side side) {
    for (std::size_t i = 0; i < ways.size(); ++i) {
      const std::string& name = ways[i].name;
      const auto bar = side == sender ? from.send("{}", name) : to.receive("{}", name);
      const auto message = side == sender ? data : std::span<char>(results.received[i]);
      if (exchange(ways[i], side, message, 1) && side == sender) ++results.answers;
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"rounds", 9, "rounds of the measurement", {1, 50}}});
  std::string data(all, 0);
  for (std::size_t i = 0; i < all; ++i) data[i] = static_cast<char>(i * 2654435761 >> 24);
  const Ways ways = make_ways();
  const pdc::Shared<Results> results;

  program.scene("4 MiB by each", pass, ways, std::span(data), *results);
  const auto same = std::ranges::count_if(
      results->received, [&](const auto& bytes) { return std::ranges::equal(bytes, data); });
  pdc::check(same == 3, "each way passes the same data, in order", "{} of 3", same);
  pdc::check(results->answers == 3, "the sender goes on when it has the answer", "{} of 3",
             results->answers);

  if (same == 3 && results->answers == 3)  // else what is left over could keep both for ever
    measure(program, ways, data, exchange, run_both);
  return program.finish();
}
