// SPDX-License-Identifier: MIT
/// Asks a server for sums, over many connections from one thread, each with one request under way: prints the seconds
/// for a request. socket_load PORT CONNECTIONS NUMBERS REQUESTS: so many numbers in each, so many requests in all.

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

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
#include <vector>

namespace {

int check(int result, const char* call) {
  if (result < 0) throw std::system_error(errno, std::generic_category(), call);
  return result;
}

struct Connection {
  int descriptor;
  std::size_t sent = 0;  // of the request under way
  std::string answer = {};
};

class Load {
 public:
  Load(std::uint16_t port, int connections, int numbers, long requests) : left_(requests) {
    request_ = "{\"sum\":[";
    for (int i = 0; i < numbers; ++i) request_.append(std::to_string(i % 1000)).push_back(',');
    request_.back() = ']';
    request_.append("}\n");
    epoll_ = check(epoll_create1(0), "epoll_create1");
    connections_.reserve(static_cast<std::size_t>(connections));
    for (int i = 0; i < connections; ++i) connect_to(port);
  }

  void run() {
    for (Connection& connection : connections_) begin(connection);
    std::array<epoll_event, 128> events;
    while (under_way_ > 0) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), -1);
      for (int i = 0; i < count; ++i) go_on(*static_cast<Connection*>(events.at(i).data.ptr));
    }
  }

 private:
  void connect_to(std::uint16_t port) {
    sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
    const int descriptor = check(socket(AF_INET, SOCK_STREAM, 0), "socket");
    const int yes = 1;
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    check(connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
    epoll_event event{EPOLLIN | EPOLLOUT | EPOLLET, {&connections_.emplace_back(descriptor)}};
    check(epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event), "epoll_ctl");
  }

  void begin(Connection& connection) {
    if (left_ == 0) return;
    --left_, ++under_way_;
    connection.sent = 0;
    connection.answer.clear();
    send_on(connection);
  }

  void send_on(Connection& connection) {
    while (connection.sent < request_.size()) {
      const std::string_view rest = std::string_view(request_).substr(connection.sent);
      const ssize_t sent = send(connection.descriptor, rest.data(), rest.size(), MSG_DONTWAIT);
      if (sent < 0 && errno == EAGAIN) return;
      connection.sent += static_cast<std::size_t>(check(static_cast<int>(sent), "send"));
    }
  }

  void go_on(Connection& connection) {
    send_on(connection);
    std::array<char, 65536> bytes;
    for (;;) {
      const ssize_t got = recv(connection.descriptor, bytes.data(), bytes.size(), MSG_DONTWAIT);
      if (got < 0 && errno == EAGAIN) return;
      if (check(static_cast<int>(got), "recv") == 0) throw std::runtime_error("the server hung up");
      connection.answer.append(bytes.data(), static_cast<std::size_t>(got));
      if (!connection.answer.ends_with('\n')) continue;
      if (!connection.answer.starts_with("{\"sum\":")) throw std::runtime_error(connection.answer);
      --under_way_;
      begin(connection);
      return;  // what comes next is a new event
    }
  }

  int epoll_;
  std::string request_;
  std::vector<Connection> connections_;
  long left_, under_way_ = 0;
};

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw std::invalid_argument("socket_load PORT CONNECTIONS NUMBERS REQUESTS");
  const long requests = std::atol(argv[4]);
  Load load(static_cast<std::uint16_t>(std::atoi(argv[1])), std::atoi(argv[2]), std::atoi(argv[3]),
            requests);
  const auto begin = std::chrono::steady_clock::now();
  load.run();
  const std::chrono::duration<double> within = std::chrono::steady_clock::now() - begin;
  std::printf("%.6g\n", within.count() / static_cast<double>(requests));
} catch (const std::exception& error) {
  std::fprintf(stderr, "socket_load: %s\n", error.what());
  return 1;
}
