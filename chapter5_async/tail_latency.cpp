// Tail latency: how long the slowest answers take, counted from when each request is due.
//
// Concept   A server pauses for a second. A client in a closed loop sends the next request when the
//           answer has come. So it sends nothing during the pause, sees one slow request, and its
//           99th percentile says that all is well: coordinated omission. In an open loop requests
//           are due on a schedule, as users come, and each latency counts from that moment.
// Shows     std::max, std::ranges::sort
// Python    numpy.percentile
// Run       tail_latency --pause 1000
// You see   one slow request, and requests that are never sent; then all that wait for the server
// Next      backoff is how clients come back to a server that was away

// SPDX-License-Identifier: MIT
#include "pdc/program.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <optional>
#include <thread>
#include <vector>

namespace {

constexpr int scheduled = 1000;                                                         // requests
constexpr int interval = 10, service = 1, spare = interval - service, pause_at = 2000;  // ms

struct Server {
  const int pause;

  int answer(int sent) const {  // returns when the answer comes
    const bool is_paused = sent >= pause_at && sent < pause_at + pause;
    return (is_paused ? pause_at + pause : sent) + service;
  }
};

struct Request {
  int start, answered;  // its latency is from the one to the other
};

/// Wrong on purpose: when a request is sent depends on the answer to the one before.
std::vector<Request> ask_in_closed_loop(const Server& server) {
  std::vector<Request> requests;
  for (int sent = 0; sent < scheduled * interval;) {
    const int answered = server.answer(sent);
    requests.push_back({sent, answered});
    sent = answered + spare;  // thinks: so it sends as many as below, if nothing pauses
  }
  return requests;
}

/// On one connection: while it is in use, the next request waits here, and is late already.
std::vector<Request> ask_in_open_loop(const Server& server) {
  std::vector<Request> requests;
  int answered = 0;
  for (int due = 0; due < scheduled * interval; due += interval) {
    const int sent = std::max(due, answered);
    answered = server.answer(sent);
    requests.push_back({due, answered});  // not {sent, answered}
  }
  return requests;
}

using Ask = decltype(ask_in_open_loop);
using Latencies = std::vector<int>;  // sorted

/// By nearest rank: at least so many percent of all are no longer. Requires: there are some.
int percentile(const Latencies& sorted, std::size_t percent) {
  const std::size_t rank = (percent * sorted.size() + 99) / 100;  // from 1, rounded up
  return sorted[rank - 1];
}

double mean(const Latencies& latencies) {
  return std::accumulate(latencies.begin(), latencies.end(), 0.0) / double(latencies.size());
}

std::ptrdiff_t count_slow(const Latencies& latencies) {
  return std::ranges::count_if(latencies, [](int latency) { return latency > service; });
}

/// For the picture alone: the server, and some of the requests that are due about its pause.
void draw(const std::vector<Request>& requests, int pause) {
  struct Row {
    Request request;
    pdc::Lane lane;
    const char* what;
    std::optional<pdc::Span> span = {};
  };
  const int part = pause / 5 / interval * interval;
  std::vector<Row> rows;
  rows.push_back({{pause_at, pause_at + pause}, pdc::Lane("server"), "pause"});
  for (int due = pause_at - part; due < pause_at + pause + 2 * part; due += part) {
    const Request next = *std::ranges::lower_bound(requests, due, {}, &Request::start);
    const bool is_sent = next.start < due + interval;
    rows.push_back({is_sent ? next : Request{due, 0}, pdc::Lane("due at {} ms", due), "answer"});
  }
  for (int now = pause_at - part; now < pause_at + pause + 3 * part; now += interval) {
    for (auto& [request, lane, what, span] : rows) {
      if (now >= request.answered) span.reset();
      if (now / interval != request.start / interval) continue;
      if (request.answered > now) span.emplace(lane.wait("{}", what));
      if (request.answered == 0) pdc::fault("not sent");
    }
    std::this_thread::sleep_for(std::chrono::microseconds(200));  // plays 10 ms
  }
}

Latencies measure(const Server& server, Ask* ask) {
  const std::vector<Request> requests = ask(server);
  draw(requests, server.pause);
  Latencies latencies;
  for (const auto& [start, answered] : requests) latencies.push_back(answered - start);
  std::ranges::sort(latencies);
  return latencies;
}

/// The first is late by the whole pause, each later one by 9 ms less, until none is late.
Latencies expect(int pause) {
  Latencies latencies;
  for (int late = pause; late > 0; late -= spare) latencies.push_back(late + service);
  latencies.resize(scheduled, service);
  std::ranges::sort(latencies);
  return latencies;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"pause", 1000, "of the server, in ms", {300, 4000}}});
  const Server server{program.integer("pause")};
  const Latencies closed = program.scene("closed loop", measure, server, ask_in_closed_loop);
  const Latencies open = program.scene("open loop", measure, server, ask_in_open_loop);

  pdc::check(count_slow(closed) == 1 && std::ssize(closed) == scheduled - server.pause / interval,
             "in a closed loop, one request is slow, and others due in the pause are never sent",
             "{} of {}, not of {}", count_slow(closed), closed.size(), scheduled);
  pdc::check(percentile(closed, 99) == service && closed.back() == server.pause + service,
             "in a closed loop, the 99th percentile is that of a server that never pauses",
             "{} ms, the longest is {}", percentile(closed, 99), closed.back());
  pdc::check(open == expect(server.pause),
             "in an open loop, requests are slow from the pause on until the server has caught up",
             "{} of {}", count_slow(open), open.size());
  pdc::check(percentile(open, 50) == service && percentile(open, 99) == open.back() - 10 * spare,
             "in an open loop, the 50th percentile hides the pause, and the 99th shows it",
             "{} and {} ms of at most {}", percentile(open, 50), percentile(open, 99), open.back());
  pdc::check(mean(open) > 4 * percentile(open, 50) && 4 * mean(open) < percentile(open, 99),
             "in an open loop, the mean is far from the 50th percentile and from the 99th",
             "{:.3f} ms", mean(open));
  return program.finish();
}
