// SPDX-License-Identifier: MIT
#include "prefork_clients.hpp"

#include "pdc/process.hpp"

#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace {

struct Client {
  explicit Client(const sockaddr_in& server)
      : socket(pdc::posix(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket")) {
    const auto* const address = reinterpret_cast<const sockaddr*>(&server);
    const int done = connect(socket.get(), address, sizeof server);
    if (done == -1 && errno != ECONNREFUSED) pdc::throw_errno("connect");  // refused: no answer
  }
  void ask(char request) const { send(socket.get(), &request, 1, MSG_NOSIGNAL); }
  int answer() const {  // its place among all answers; 0: none
    char place = 0;
    return recv(socket.get(), &place, 1, 0) == 1 ? place : 0;
  }
  pdc::Descriptor socket;
};

}  // namespace

void come_after_silence(const sockaddr_in& server, Day& day) {
  const Client silent(server);
  std::vector<Client> others;
  for (int i = 0; i < clients; ++i) others.emplace_back(server).ask(plain);
  pdc::Descriptor(pdc::posix(dup(silent.socket.get()), "dup"));  // meet() needs a free one
  day.all_wait.meet();  // whoever could be answered has been
  silent.ask(plain);
  for (const Client& other : others)
    if (other.answer() == 0) ++day.unanswered;
  day.before = silent.answer() - 1;
}

void come_after_crashes(const sockaddr_in& server, Day& day) {
  const int children = day.children;  // so many are killed
  for (int i = 0; i < children + clients; ++i) {
    const Client client(server);
    client.ask(i < children ? deadly : plain);
    if (client.answer() != 0) continue;
    ++day.unanswered;  // and the parent sees each death before the clients go:
    while (i < children && day.deaths < day.unanswered) sched_yield();
  }
}
