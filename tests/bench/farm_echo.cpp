// SPDX-License-Identifier: MIT
/// The least that a job farm can do: one process sends tasks by epoll, two others send a result for each, in the words of
/// the farm, but nobody reads what they say. farm_echo TASKS IN_HAND: prints the seconds for a task. Each client has so
/// many tasks in hand; when it has answered them, it gets as many more.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace {

constexpr int clients = 2;
constexpr std::string_view task =
    R"({"ack":12345} 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef)"
    "\n"
    R"({"task":12346,"job":{"kind":"empty"}} 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef)"
    "\n";
constexpr std::string_view result =
    R"({"result":12346,"value":0} 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef)"
    "\n";

int check(long result_of_call, const char* call) {
  if (result_of_call < 0) throw std::system_error(errno, std::generic_category(), call);
  return static_cast<int>(result_of_call);
}

void send_all(int descriptor, std::string_view line, long times) {
  std::string text;
  for (long i = 0; i < times; ++i) text += line;
  for (std::string_view rest = text; !rest.empty();)
    rest.remove_prefix(static_cast<std::size_t>(
        check(send(descriptor, rest.data(), rest.size(), MSG_NOSIGNAL), "send")));
}

/// How many ends of lines come; none at the end of the connection.
long receive(int descriptor) {
  std::array<char, 65536> bytes;
  const int got = check(recv(descriptor, bytes.data(), bytes.size(), 0), "recv");
  return std::count(bytes.begin(), bytes.begin() + got, '\n');
}

/// For each two lines, an acknowledgement and a task, one result.
void be_client(sockaddr_in address) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int descriptor = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), yes = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  check(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  long lines = 0;
  while (const long more = receive(descriptor)) {
    lines += more;
    send_all(descriptor, result, lines / 2);
    lines %= 2;
  }
}

/// Deals them out and waits for all results. Returns the seconds from the first to the last.
double deal_out(const std::array<int, clients>& descriptors, long tasks, long in_hand) {
  const int epoll = check(epoll_create1(0), "epoll_create1");
  long open = tasks, answered = 0;
  std::array<long, clients> hand{};
  const auto begin = std::chrono::steady_clock::now();
  const auto fill = [&](std::size_t client) {
    hand.at(client) = std::min(open, in_hand);
    open -= hand.at(client);
    send_all(descriptors.at(client), task, hand.at(client));
  };
  for (std::uint32_t client = 0; client < clients; ++client) {
    epoll_event event{EPOLLIN, {.u32 = client}};
    check(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptors.at(client), &event), "epoll_ctl");
    fill(client);
  }
  std::array<epoll_event, clients> events;
  while (answered < tasks) {
    const int count = epoll_wait(epoll, events.data(), clients, -1);
    for (int i = 0; i < count; ++i) {
      const std::uint32_t client = events.at(static_cast<std::size_t>(i)).data.u32;
      const long results = receive(descriptors.at(client));
      if (results == 0) throw std::runtime_error("a client hung up");
      answered += results;
      if ((hand.at(client) -= results) == 0) fill(client);
    }
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 3) throw std::invalid_argument("farm_echo TASKS IN_HAND");
  const long tasks = std::atol(argv[1]), in_hand = std::atol(argv[2]);
  const int listener = check(socket(AF_INET, SOCK_STREAM, 0), "socket"), yes = 1;
  sockaddr_in address{AF_INET, 0, {htonl(INADDR_LOOPBACK)}, {}};
  socklen_t size = sizeof address;
  check(bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
  check(listen(listener, SOMAXCONN), "listen");
  check(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::array<int, clients> descriptors{};
  for (int& descriptor : descriptors) {
    if (check(fork(), "fork") == 0) {
      be_client(address);
      std::_Exit(0);
    }
    descriptor = check(accept(listener, nullptr, nullptr), "accept");
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  }
  std::printf("%.6g\n", deal_out(descriptors, tasks, in_hand) / static_cast<double>(tasks));
  for (const int descriptor : descriptors) shutdown(descriptor, SHUT_RDWR);
  while (wait(nullptr) > 0) {
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "farm_echo: %s\n", error.what());
  return 1;
}
