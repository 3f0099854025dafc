// Event loop from scratch: one thread sleeps until a socket is readable or a timer expires.
//
// Concept   A loop needs a place to sleep, here epoll, which wakes it for any of many sockets, or
//           when the first timer of a heap expires. A coroutine that has to wait leaves its handle
//           there, and the loop resumes it. A read that blocks stands in the way of all others.
// Shows     epoll_create1, epoll_ctl, epoll_wait, std::priority_queue, std::coroutine_handle
// Python    selectors.DefaultSelector, asyncio.BaseEventLoop
// Run       event_loop_from_scratch --clients 4
// You see   nobody served while one client is silent; then all the others
// Next      socket_server does it with Asio; timeouts gives up on those that are silent

// SPDX-License-Identifier: MIT
#include "played_clients.hpp"

#include "pdc/process.hpp"
#include "pdc/program.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <coroutine>
#include <functional>
#include <queue>
#include <string>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

struct Loop {
  using Timer = std::pair<Clock::time_point, std::coroutine_handle<>>;

  pdc::Descriptor epoll{pdc::posix(epoll_create1(EPOLL_CLOEXEC), "epoll_create1")};
  int watched = 0;                                                        // sockets
  std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers;  // the next one on top

  /// Until nobody waits any more.
  void run() {
    while (watched > 0 || !timers.empty()) {
      epoll_event event = {};
      const int ready = epoll_wait(epoll.get(), &event, 1, time_to_sleep());
      if (ready == -1 && errno != EINTR) pdc::throw_errno("epoll_wait");
      if (ready == 1) std::coroutine_handle<>::from_address(event.data.ptr).resume();
      while (!timers.empty() && timers.top().first <= Clock::now()) {
        const auto waits = timers.top().second;
        timers.pop();
        waits.resume();
      }
    }
  }

  int time_to_sleep() const {  // in ms; -1: until a socket is readable
    if (timers.empty()) return -1;
    const auto left = std::chrono::ceil<milliseconds>(timers.top().first - Clock::now());
    return static_cast<int>(std::max(left, milliseconds(0)).count());
  }
};

/// Awaited before a read.
struct Readable {
  Loop& loop;
  int socket;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> suspended) {
    epoll_event event = {.events = EPOLLIN, .data = {.ptr = suspended.address()}};
    pdc::posix(epoll_ctl(loop.epoll.get(), EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
    ++loop.watched;
  }
  void await_resume() {
    pdc::posix(epoll_ctl(loop.epoll.get(), EPOLL_CTL_DEL, socket, nullptr), "epoll_ctl");
    --loop.watched;
  }
};

struct Expiry {
  Loop& loop;
  Clock::time_point when;

  bool await_ready() { return false; }
  void await_suspend(std::coroutine_handle<> suspended) { loop.timers.emplace(when, suspended); }
  void await_resume() {}
};

/// Begins at once, and is destroyed at its end. What it throws comes out where it is resumed.
struct Job {
  struct promise_type {
    Job get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
};

struct Day {
  PlayedClients clients;
  Loop loop = {};
  std::string rung = {};  // numbers of timers
};

/// Wrong on purpose: while its client is silent, the loop stands still.
Job serve_blocking(Day& day, int client, pdc::Span) {
  while (day.clients.echo(client, 0)) continue;
  co_return;
}

Job serve(Day& day, int client, pdc::Span) {
  do {
    co_await Readable{day.loop, day.clients.socket(client)};
  } while (day.clients.echo(client, MSG_DONTWAIT));
}

Job ring(Day& day, int number, Clock::time_point when, pdc::Span) {
  co_await Expiry{day.loop, when};
  day.rung += std::to_string(number);
}

void spend(Day& day, decltype(serve)* serve_client) {
  const auto start = Clock::now();
  for (const int i : {3, 1, 2}) {
    ring(day, i, start + i * milliseconds(4), pdc::Lane(pdc::task, "timer {}", i).wait("expiry"));
  }
  std::vector<pdc::Span> waits;
  for (int i = 0; i <= day.clients.others(); ++i) {
    waits.push_back(pdc::Lane(pdc::task, "client {}", i).wait("answer"));
  }
  for (int i = 0; i <= day.clients.others(); ++i) serve_client(day, i, std::move(waits[i]));
  if (day.clients.meanwhile() == 0 && day.clients.echoed() > 0)
    pdc::fault("nobody served meanwhile");
  day.loop.run();
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 4, "that speak, besides a silent one", {1, 64}}});
  const int others = program.integer("clients");
  Day blocking{PlayedClients(others)}, awaiting{PlayedClients(others)};

  program.scene("reads that block", spend, blocking, serve_blocking);
  program.scene("reads when there is something", spend, awaiting, serve);

  pdc::check(blocking.clients.meanwhile() == 0,
             "where a read blocks, one silent client keeps all others waiting", "{} of {} served",
             blocking.clients.meanwhile(), others);
  pdc::check(awaiting.clients.meanwhile() == others,
             "where the loop waits for all, the others are served while one is silent",
             "{} of {} served", awaiting.clients.meanwhile(), others);
  pdc::check(awaiting.clients.echoed() == others + 1,
             "every client gets back what it has said, the silent one in the end");
  pdc::check(awaiting.rung == "123", "timers come in the order of their expiries", "set as 312, {}",
             awaiting.rung);
  return program.finish();
}
