// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address. It computes on a thread of its own, so that its
//           event loop goes on sending heartbeats. When the coordinator is gone it connects again,
//           after pauses that double, each a little different, so that not all come back at once.
// Shows     asio::co_spawn, steady_timer; asio::thread_pool, async_connect and && in visits.hpp;
//           HMAC and CRYPTO_memcmp in proof.hpp
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   work on its thread, heartbeats on its loop; given no port it starts a coordinator
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "visits.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"
#include "pdc/program.hpp"
#include "pdc/sibling.hpp"

#include <unistd.h>

#include <algorithm>
#include <random>

namespace {

using namespace job_farm;
using namespace std::chrono_literals;

/// The pause before it connects once more: twice that before, a second at most, and up to half of
/// it left out; `part` is from 0 to 1.
std::chrono::nanoseconds pause_before(int tries, double part) {
  const auto pause = std::min<std::chrono::nanoseconds>(50ms * (1 << std::min(tries, 10)), 1s);
  return std::chrono::duration_cast<std::chrono::nanoseconds>(pause * (1 - part / 2));
}

/// Until the coordinator says that all is done, or none has been there for too long.
asio::awaitable<void> keep_visiting(Visits& visits, const Settings& settings) {
  std::minstd_rand random{std::random_device()()};
  std::uniform_real_distribution<double> part;
  auto limit = std::chrono::steady_clock::now() + settings.patience;
  for (int tries = 0, before = 0; !visits.done; before = visits.welcomes) {
    const std::string why = co_await visits.visit();
    if (visits.done) break;
    const auto now = std::chrono::steady_clock::now();
    if (visits.welcomes > before) {  // it was there until now
      tries = 0;
      limit = now + settings.patience;
    }
    if (now > limit) {
      pdc::refuse(fmt::format("no coordinator at {} port {}: {}; start one, or give its --port",
                              settings.coordinator.address().to_string(),
                              settings.coordinator.port(), why));
    }
    asio::steady_timer pause(co_await asio::this_coro::executor,
                             pause_before(tries++, part(random)));
    co_await pause.async_wait(asio::use_awaitable);
  }
}

void work(asio::io_context& loop, Visits& visits, const Settings& settings) {
  asio::co_spawn(loop, keep_visiting(visits, settings), pdc::rethrow);
  loop.run();
}

constexpr int tasks = 24, attempts = 3;  // of its own coordinator; one of them is poison

/// Starts a coordinator if no port is given. Returns the port.
std::uint16_t find_port(const pdc::Program& program, std::optional<pdc::Sibling>& coordinator) {
  const int port = program.integer("port");
  if (port > 0) {
    pdc::set_deadline(0s);  // it serves until it is told to end
    return static_cast<std::uint16_t>(port);
  }
  std::vector<std::string> words{"--quiet", "--workers", "0", "--silence", "20"};
  words.insert(words.end(), {"--tasks", fmt::format("{}", tasks)});
  for (const char* const option : {"address", "secret-file"}) {
    if (!program.word(option).empty())
      words.insert(words.end(), {fmt::format("--{}", option), program.word(option)});
  }
  coordinator.emplace("coordinator", words);
  return static_cast<std::uint16_t>(std::stoi(coordinator->said("port ")));
}

Settings settings_in(const pdc::Program& program) {
  const std::string& name = program.word("name");
  return {tcp::endpoint(address_in(program), 0),
          name.empty() ? fmt::format("worker {}", getpid()) : name,
          read_secret(program.word("secret-file")), seconds(program.real("heartbeat")),
          seconds(program.real("patience"))};
}

void claim_all_done(const Visits& visits, pdc::Sibling& coordinator) {
  const int expected = tasks - 1 + attempts;
  pdc::require(visits.answers == expected, "it did each task once, and three times the poison",
               "{} of {} answers", visits.answers, expected);
  const pdc::Exit end = coordinator.wait();
  pdc::check(end.good(), "the coordinator found all done, and ended", "{}", end.text());
}

void claim_pauses() {
  const bool doubles = pause_before(0, 0) == 50ms && pause_before(1, 0) == 100ms;
  const bool ends = pause_before(5, 0) == 1s && pause_before(1'000'000, 0) == 1s;
  pdc::check(doubles && ends, "the pauses double, up to a second");
  pdc::check(pause_before(1, 1) == 50ms && pause_before(1, 0.5) == 75ms,
             "up to half of each is left out");
}

void claim_proofs() {
  pdc::check(proof("Jefe", "what", "do", "ya want for nothing?") ==
                 "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
             "a proof is an HMAC-SHA-256", "as in RFC 4231");
  const std::string one = new_challenge(), other = new_challenge();
  pdc::check(!is_same(proof("key", "worker", one, other), proof("key", "coordinator", one, other)),
             "nobody can send a proof back to where it came from");
  pdc::check(one.size() == proof_length && one != other, "no challenge is used twice");
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"port", 0, "port of the coordinator; 0: it starts one for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"name", "", "what the worker is called"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"heartbeat", 0.2, "seconds from sign of life to sign of life", {0.001, 5}},
       {"patience", 3.0, "seconds to try when no coordinator is there", {0.1, 86'400}}});
  Settings settings = settings_in(program);
  std::optional<pdc::Sibling> coordinator;
  settings.coordinator.port(find_port(program, coordinator));

  asio::io_context loop;
  Visits visits(loop, settings);
  program.scene("at work", work, loop, visits, settings);

  pdc::require(visits.unacknowledged == 0, "every answer was acknowledged", "{}", visits.answers);
  if (coordinator) claim_all_done(visits, *coordinator);
  claim_pauses();
  claim_proofs();
  return program.finish();
}
