// Rate limit: a burst may come at once, and from then on one request in each period.
//
// Concept   A server has room for a burst, and in the long run for one request in each period. If
//           requests are counted in windows, such as full seconds, a burst passes at the end of
//           one and another at the beginning of the next. A token bucket holds as many tokens as a
//           burst has requests. Each request takes one, or is refused. In each period a new one
//           comes; a full bucket has no room for it. So no second, wherever it begins, has more
//           than a burst and one request for each period.
// Shows     Clock::now, std::max, co_spawn, expires_after, async_wait, co_await
// Python    aiolimiter.AsyncLimiter
// Run       rate_limit --clients 4 --seed 1
// You see   two bursts within 1 ms, one in each window; with a bucket one, and then all that fit
// Next      server_limits bounds what clients hold; heartbeat finds out that the other end is gone

// SPDX-License-Identifier: MIT
#include "request_log.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/program.hpp"

#include <boost/asio.hpp>

#include <algorithm>
#include <random>

namespace {

namespace asio = boost::asio;
using Timer = asio::basic_waitable_timer<Clock>;  // asio::steady_timer has the machine's clock

/// At most `most` tokens, all of them at first; a new one comes in each period, unless it is full.
/// So in no span of time does it give more than `most`, and one for each period in the span.
/// Thread safety: one thread at a time.
template <class Clock>
class TokenBucket {
 public:
  TokenBucket(int most, Clock::duration period) : period_(period), all_(most * period) {}

  bool take() {
    const auto now = Clock::now();
    const auto full = std::max(full_, now) + period_;  // a token less: one period later
    if (full > now + all_) return false;               // later than if it were empty: no token
    full_ = full;
    return true;
  }

 private:
  const Clock::duration period_, all_;
  Clock::time_point full_{};  // when it will be full again: this says how many tokens are in it
};

using Bucket = TokenBucket<Clock>;

constexpr int requests = 8;  // of a client
constexpr Milliseconds window = burst * per_request;

struct NoLimit {
  bool take() { return true; }
};

/// Wrong on purpose: counts up to a burst, and begins again in each window.
struct FixedWindow {
  Clock::time_point end = Clock::now() + window;
  int taken = 0;

  bool take() {
    for (; Clock::now() >= end; end += window) taken = 0;
    ++taken;
    return taken <= burst;
  }
};

template <class Limiter>
void request(Limiter& limiter, Log& log, const pdc::Lane& client) {
  const bool fitted = fits(log), passed = limiter.take();
  if (fitted && !passed) ++log.too_few;
  if (!passed) return;
  const auto send = client.send("request");
  log.passed.push_back(Clock::now());
  if (fitted) return;
  ++log.too_many;
  if (log.too_many == 1) pdc::fault("one too many");
}

/// Forced: all clients come at the end of a window, and at the beginning of the next one.
template <class Limiter>
asio::awaitable<void> ask(Limiter& limiter, Log& log, std::mt19937 random, pdc::Lane lane) {
  Timer timer(co_await asio::this_coro::executor, window - 1ms);
  for (int i = 0; i < requests; ++i) {
    co_await timer.async_wait(asio::use_awaitable);
    request(limiter, log, lane);
    timer.expires_after(i == 0 ? 1ms : Milliseconds(1 + random() % 24));
  }
}

template <class Limiter>
void serve(Log& log, const pdc::Program& program, Limiter limiter) {
  asio::io_context loop;
  for (int i = 0; i < program.integer("clients"); ++i) {
    std::seed_seq seed{program.integer("seed"), i};  // one that no other client has
    const pdc::Lane lane(pdc::task, "client {}", i);
    asio::co_spawn(loop, ask(limiter, log, std::mt19937(seed), lane), pdc::rethrow);
  }
  Clock::run(loop);
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"clients", 4, "clients of one server", {4, 32}}, {"seed", 1, "of the gaps", {0, 999}}});
  const int clients = program.integer("clients");
  Log none, fixed, bucket;

  program.scene("no limit", serve<NoLimit>, none, program, NoLimit());
  program.scene("fixed windows", serve<FixedWindow>, fixed, program, FixedWindow());
  program.scene("token bucket", serve<Bucket>, bucket, program, Bucket(burst, per_request));

  pdc::check(most_within(0ms, none) == clients, "without a limit, all clients pass in one moment",
             "{}", most_within(0ms, none));
  pdc::check(most_within(1ms, fixed) == 2 * burst,
             "with fixed windows, two bursts pass within 1 ms, around a border", "{} requests",
             most_within(1ms, fixed));
  pdc::check(
      bucket.too_many == 0,
      "a bucket lets no more pass, in any span of time, than a burst and one for each period",
      "{} of {} are too many", bucket.too_many, bucket.passed.size());
  pdc::check(bucket.too_few == 0, "a bucket refuses no request that would have fitted", "{} of {}",
             bucket.too_few, clients * requests);
  return program.finish();
}
