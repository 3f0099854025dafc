// SPDX-License-Identifier: MIT
#include "played_clients.hpp"

#include <fmt/core.h>

#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

PlayedClients::PlayedClients(int others) {
  for (int i = 0; i <= others; ++i) {
    std::array<int, 2> ends;
    pdc::posix(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), "socketpair");
    clients_.push_back(
        {pdc::Descriptor(ends[0]), pdc::Descriptor(ends[1]), fmt::format("client {}", i)});
    if (i > 0) speak(clients_.back());
  }
  const timeval patience = {.tv_sec = 0, .tv_usec = 20'000};
  pdc::posix(setsockopt(socket(0), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience),
             "setsockopt");
}

int PlayedClients::socket(int client) const {
  return clients_[static_cast<std::size_t>(client)].near.get();
}

bool PlayedClients::echo(int client, int flags) {
  std::array<char, 64> bytes;
  const ssize_t got = recv(socket(client), bytes.data(), bytes.size(), flags);
  if (client == 0) meanwhile_ = served_;
  if (got > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // plays work
    const auto size = static_cast<std::size_t>(got);
    pdc::posix(send(socket(client), bytes.data(), size, MSG_NOSIGNAL), "send");
    return true;
  }
  if (client > 0) ++served_;
  if (client > 0 && served_ == others()) speak(clients_.front());
  return false;
}

int PlayedClients::echoed() const {
  return static_cast<int>(std::ranges::count_if(clients_, [](const Client& client) {
    std::array<char, 64> bytes;
    const ssize_t got = recv(client.far.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
    return got == std::ssize(client.line) &&
           std::string(bytes.data(), client.line.size()) == client.line;
  }));
}

void PlayedClients::speak(const Client& client) {
  pdc::posix(send(client.far.get(), client.line.data(), client.line.size(), MSG_NOSIGNAL), "send");
  pdc::posix(shutdown(client.far.get(), SHUT_WR), "shutdown");
}
