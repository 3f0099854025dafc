// Circuit breaker: after failures in a row no call goes out for a while, then one, as a probe.
//
// Concept   A service that hangs costs each call its full time limit. The calls pile up, and when
//           it is back it works on those that nobody waits for any more, while new ones are late. A
//           breaker that all callers share opens after some failures in a row: from then on calls
//           fail at once. After a pause it is half-open: it lets one call through, the probe. An
//           answer closes it, and all calls go out again.
// Shows     Clock::now, co_spawn, expires_after, async_wait, co_await
// Python    pybreaker.CircuitBreaker
// Run       circuit_breaker --clients 8
// You see   32 calls during the outage, and late ones after it; then 11, and none
// Next      rate_limit bounds the calls to a service that works

// SPDX-License-Identifier: MIT
#include "hanging_service.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

namespace {

/// One for each service, shared by all that call it. A caller that is let through reports, within
/// `pause`, how its call has ended. Thread safety: one thread at a time.
template <class Clock>
class CircuitBreaker {
 public:
  CircuitBreaker(int most, Clock::duration pause) : most_(most), pause_(pause) {}

  bool is_open() const { return failures_ >= most_ && Clock::now() < next_probe_; }

  bool admit() {
    if (is_open()) return false;
    next_probe_ = Clock::now() + pause_;  // half-open is open for all but this call, the probe
    return true;
  }

  void report(bool answered) {
    failures_ = answered ? 0 : failures_ + 1;
    next_probe_ = Clock::now() + pause_;  // the pause begins when the call has failed
  }

 private:
  const int most_;  // failures in a row
  const Clock::duration pause_;
  int failures_ = 0;
  Clock::time_point next_probe_{};  // matters only after so many failures
};

using Breaker = CircuitBreaker<PlayedClock>;

constexpr int most = 3;
constexpr Clock::duration gap = 10ms;    // from the end of a client's call to its next one
constexpr Clock::duration pause = 12ms;  // longer than the limit of a call
constexpr int most_probes = outage / (limit + pause);  // in the outage; a pause before each

/// Wrong on purpose: no breaker.
bool call_always(Breaker&) {
  return true;
}

/// Wrong on purpose: half-open, it lets all through until one of them has failed.
bool call_unless_open(Breaker& breaker) {
  return !breaker.is_open();
}

bool call_if_admitted(Breaker& breaker) {
  return breaker.admit();
}

using May = decltype(call_if_admitted);

asio::awaitable<void> ask(Service& service, Breaker& breaker, May* may_call, Count& count,
                          pdc::Lane lane) {
  Timer timer(service.loop);
  while (Clock::now() < service.evening) {
    if (may_call(breaker)) {
      const auto wait = lane.wait("call");
      const bool in_outage = Clock::now() < service.back;
      const bool answered = co_await call(service);
      breaker.report(answered);
      count_call(count, in_outage, answered);
    } else if (count.answered > 0) {
      ++count.refused;
    }
    timer.expires_after(gap);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

void serve(Count& count, int clients, May* may_call) {
  Service service;
  Breaker breaker(most, pause);
  asio::co_spawn(service.loop, work(service, pdc::Lane(pdc::task, "service")), pdc::rethrow);
  for (int i = 0; i < clients; ++i) {
    const pdc::Lane lane(pdc::task, "client {}", i);
    asio::co_spawn(service.loop, ask(service, breaker, may_call, count, lane), pdc::rethrow);
  }
  Clock::run(service.loop);
  count.in_vain = service.in_vain;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(argc, argv, {{"clients", 8, "clients of one service", {6, 9}}});
  const int clients = program.integer("clients"), bound = clients + most_probes;
  Count without, all, one;

  program.scene("without a breaker", serve, without, clients, call_always);
  program.scene("half-open for all", serve, all, clients, call_unless_open);
  program.scene("half-open for one", serve, one, clients, call_if_admitted);

  pdc::check(without.in_outage == clients * (outage / (limit + gap)),
             "without a breaker, each client calls again and again during the outage", "{} calls",
             without.in_outage);
  pdc::check(without.in_vain == without.in_outage + without.late && without.late > clients,
             "without a breaker, the service is back and works in vain, and new calls are late",
             "{} in vain, {} late", without.in_vain, without.late);
  pdc::check(all.in_outage > bound,
             "half-open for all calls, the breaker lets too many out during the outage",
             "{} calls, more than {}", all.in_outage, bound);
  pdc::check(one.in_outage <= bound,
             "half-open for one call, the breaker lets few out during the outage",
             "{} calls, at most {}", one.in_outage, bound);
  pdc::check(one.late == 0 && one.in_vain == one.in_outage,
             "half-open for one call, no call is late, and only calls of the outage are in vain",
             "{} late, {} in vain", one.late, one.in_vain);
  pdc::check(one.refused == 0 && one.answered > without.answered,
             "after an answer the breaker lets all calls out, and more are answered than without",
             "{} refused, {} answered, not {}", one.refused, one.answered, without.answered);
  return program.finish();
}
