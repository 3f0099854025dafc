// SPDX-License-Identifier: MIT
/// The least that a server of many connections can do: by epoll, it sends back what it gets. Until SIGTERM.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>

int main() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0), epoll = epoll_create1(0), yes = 1;
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  socklen_t size = sizeof address;
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) return 1;
  if (listen(listener, SOMAXCONN) != 0) return 1;
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on 127.0.0.1 port %d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  epoll_event event{EPOLLIN, {.fd = listener}};
  epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event);
  std::array<epoll_event, 128> events;
  std::array<char, 65536> bytes;
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events.at(static_cast<std::size_t>(i)).data.fd;
      if (descriptor == listener) {
        event.data.fd = accept(listener, nullptr, nullptr);
        setsockopt(event.data.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event);
      } else {
        const ssize_t got = recv(descriptor, bytes.data(), bytes.size(), 0);
        if (got <= 0 ||
            send(descriptor, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
          close(descriptor);
      }
    }
  }
}
