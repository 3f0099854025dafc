// Prefork server: several children accept from one socket, and one that dies is replaced.
//
// Concept   A child that serves one client after another waits for each: a silent one keeps all
//           others waiting. So the parent opens the socket and forks several children, which all
//           accept from it. A crash ends one child and one request: the parent forks another.
// Shows     socket, bind, listen, accept4, recv, send, kill, pdc::Child
// Python    socketserver.ForkingMixIn (a child for each client), gunicorn's workers
// Run       prefork_server --children 3
// You see   with one child a silent client keeps all waiting, with three none; the dead replaced
// Next      supervisor waits before it starts again what dies at once; socket_server needs no child

// SPDX-License-Identifier: MIT
#include "prefork_clients.hpp"

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <thread>
#include <vector>

namespace {

/// Made before the children, who inherit it. The kernel chooses a free port, and puts it in `here`.
pdc::Descriptor listen_on(sockaddr_in& here) {
  pdc::Descriptor listener(pdc::posix(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const address = reinterpret_cast<sockaddr*>(&here);
  socklen_t size = sizeof here;
  pdc::posix(bind(listener.get(), address, size), "bind");
  pdc::posix(listen(listener.get(), SOMAXCONN), "listen");
  pdc::posix(getsockname(listener.get(), address, &size), "getsockname");
  return listener;
}

/// A child: one client after the other, for ever. No signal handler runs in it, so nothing is EINTR.
void serve(const pdc::Descriptor& listener, Day& day, const pdc::Lane& lane) {
  while (true) {
    auto wait = day.all_wait.wait_outside(lane, "client");
    const pdc::Descriptor client(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (client.get() == -1 && errno == ECONNABORTED) continue;  // it has left again
    pdc::posix(client.get(), "accept4");
    char request = 0;
    if (recv(client.get(), &request, 1, 0) != 1) continue;
    wait.end();
    if (request == deadly) {
      pdc::fault("killed");
      raise(SIGKILL);  // plays a crash
    }
    const auto work = lane.work("answers");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));  // plays the work
    const char place = static_cast<char>(++day.answers);
    send(client.get(), &place, 1, MSG_NOSIGNAL);
  }
}

/// How many the kernel knows: they run, or nobody has waited for them.
int count_known(const std::vector<pid_t>& children) {
  return static_cast<int>(
      std::ranges::count_if(children, [](pid_t child) { return kill(child, 0) == 0; }));
}

/// The parent: replaces whoever dies, until the clients have gone. Then it ends all children.
void run_server(Day& day, decltype(come_after_silence) come) {
  sockaddr_in here = {};
  pdc::Descriptor listener = listen_on(here);
  std::vector<pdc::Child> processes;
  std::vector<pid_t> children;  // all that there ever were
  const auto start = [&] {
    processes.emplace_back(
        [&, lane = pdc::Lane("child {}", ++day.started)] { serve(listener, day, lane); });
    children.push_back(processes.back().pid());
    day.most = std::max(day.most, count_known(children));
  };
  while (day.started < day.children) start();
  const std::size_t clients_process = processes.size();
  processes.emplace_back([&] {
    listener.close();  // the clients' process accepts nobody
    come(here, day);
  });
  while (count_known(children) > 0) {  // else nobody would ever accept
    const std::size_t who = pdc::next_to_end(processes);
    processes[who].wait();
    if (who == clients_process) break;  // they have gone
    start();
    ++day.deaths;
  }
  for (pdc::Child& process : processes) {
    if (process.pid() == 0) continue;  // was waited for
    kill(process.pid(), SIGTERM);
    process.wait();
  }
  day.left = count_known(children);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"children", 3, "processes that accept", {2, 16}}});
  const int children = program.integer("children");
  const pdc::Shared<Day> one(1), several(children), crashes(children);

  // Wrong on purpose: one child for all.
  program.scene("one child, a silent client", run_server, *one, come_after_silence);
  program.scene("several, a silent client", run_server, *several, come_after_silence);
  program.scene("several, deadly requests", run_server, *crashes, come_after_crashes);

  pdc::check(one->before == 0, "with one child, a silent client keeps all others waiting",
             "{} of {} answered before it", one->before, clients);
  pdc::check(several->before == clients && one->unanswered + several->unanswered == 0,
             "with several, a silent client keeps nobody waiting", "{} of {} answered before it",
             several->before, clients);
  pdc::check(crashes->unanswered == children && crashes->answers == clients,
             "a request that kills its child is not answered, and all others are",
             "{} killed, {} answered", crashes->unanswered, crashes->answers.load());
  pdc::check(crashes->started == 2 * children && crashes->most == children,
             "each dead child is replaced, and never are there more than at first",
             "{} started, {} at most", crashes->started.load(), crashes->most);
  pdc::check(one->left + several->left + crashes->left == 0,
             "when the clients have gone, no child is left");
  return program.finish();
}
