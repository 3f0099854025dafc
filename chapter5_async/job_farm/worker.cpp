// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address and a secret. It computes on a thread of its own,
//           so that its event loop goes on saying that it lives, and listening whether the
//           coordinator does. When that is gone or silent, the worker leaves, and comes back after
//           pauses that grow and are random, so that not all workers come at once.
// Shows     asio::co_spawn, async_connect, steady_timer, asio::thread_pool; link.hpp: heartbeats
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   its coordinator stopped in mid-job; the worker leaves it, and comes back
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "jobs.hpp"
#include "link.hpp"

#include "pdc/sibling.hpp"

#include <signal.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>

namespace {

using namespace job_farm;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

constexpr int most_in_hand = 64;
constexpr Milliseconds first_pause = 50ms, longest_pause = 1000ms;

/// As on the page `backoff`.
Milliseconds pause_with_jitter(Milliseconds limit, std::mt19937& random) {
  std::uniform_int_distribution any(Milliseconds::rep{1}, limit.count());
  return Milliseconds(any(random));
}

struct Settings {
  tcp::endpoint coordinator;
  std::string name, secret;
  double silence, patience;  // seconds
  int accident;              // a signal, in the middle of its first task; 0: none
  // What the page does when an answer is acknowledged, with each heartbeat, and when a visit has
  // ended before all is done.
  std::function<void()> acknowledged = [] {}, beat = [] {}, left = [] {};
};

/// A connection, from its beginning to its end.
struct Visit {
  std::shared_ptr<Link> link;
  int in_hand = 0;  // tasks
  bool heard = false, helped = false, done = false;
  std::string why_over = {};
};

/// All but the computing happens on one thread, that of the loop.
class Worker {
 public:
  explicit Worker(Settings settings)
      : settings_(std::move(settings)), accident_(settings_.accident) {}

  /// Returns when a coordinator has said that all is done. Ends the program with status 3 when none
  /// has been there for too long.
  void work() {
    asio::co_spawn(loop_, keep_visiting(), pdc::rethrow);
    loop_.run();
  }

 private:
  asio::awaitable<void> keep_visiting() {
    std::mt19937 random{std::random_device()()};
    const std::chrono::duration<double> patience(settings_.patience);
    auto heard = Clock::now();
    Milliseconds limit = first_pause;
    for (;;) {
      const auto visit = std::make_shared<Visit>();
      co_await pay(visit);
      if (visit->done) co_return;
      if (visit->helped) limit = first_pause;  // a connection alone is no help: it may end at once
      if (visit->heard) heard = Clock::now();
      if (Clock::now() > heard + patience) {
        pdc::refuse(fmt::format("no coordinator to work for at {} port {}: {}",
                                settings_.coordinator.address().to_string(),
                                settings_.coordinator.port(), visit->why_over));
      }
      settings_.left();
      const auto wait = lane_.wait("pause");
      asio::steady_timer pause(loop_, pause_with_jitter(limit, random));
      co_await pause.async_wait(asio::use_awaitable);
      limit = std::min(2 * limit, longest_pause);
    }
  }

  asio::awaitable<void> pay(std::shared_ptr<Visit> visit) {
    const auto link = std::make_shared<Link>(tcp::socket(loop_, settings_.coordinator.protocol()));
    visit->link = link;
    asio::co_spawn(loop_, beat_and_watch(link), pdc::rethrow);
    try {
      co_await link->socket().async_connect(settings_.coordinator, asio::use_awaitable);
      co_await link->greet(settings_.secret, Side::worker);
      link->send({{"hello", settings_.name}});
      while (!visit->done) {
        const json::object message = co_await link->receive();
        handle(visit, message);
      }
    } catch (const boost::system::system_error& error) {
      visit->why_over = link->is_silent() ? "it says nothing" : error.code().message();
    } catch (const std::logic_error& broken) {
      visit->why_over = broken.what();
    }
    link->close();
    beat_.cancel();
  }

  /// As on the page `heartbeat`, whatever the other thread does.
  asio::awaitable<void> beat_and_watch(std::shared_ptr<Link> link) {
    while (link->is_open()) {
      beat_.expires_after(period_of(settings_.silence));
      co_await beat_.async_wait(asio::as_tuple(asio::use_awaitable));
      const auto send = lane_.send("heartbeat");
      link->beat();
      settings_.beat();
      if (link->is_silent()) link->close();
    }
  }

  /// A message whose code is right. Errors: BrokenProtocol.
  void handle(const std::shared_ptr<Visit>& visit, const json::object& message) {
    if (message.contains("task")) return take(visit, message);  // no sign of life: it comes at once
    visit->heard = true;
    if (message.contains("ack")) {
      visit->helped = true;
      settings_.acknowledged();
    } else if (message == json::object{{"done", true}}) {
      visit->done = true;
    } else if (!message.contains("alive")) {
      throw BrokenProtocol(std::string(message.at("error").as_string()));
    }
  }

  void take(const std::shared_ptr<Visit>& visit, const json::object& message) {
    const int task = message.at("task").to_number<int>();
    if (++visit->in_hand > most_in_hand) throw BrokenProtocol("too many tasks");
    asio::post(thread_,
               [this, task, order = message.at("job").as_object(), visit = std::weak_ptr(visit)] {
                 if (visit.expired()) return;  // it has ended, and others have got the task
                 asio::post(loop_, [answer = compute(task, order), visit] {
                   const auto still = visit.lock();
                   if (!still) return;
                   --still->in_hand;
                   still->link->send(answer);
                 });
               });
  }

  /// On the thread.
  json::object compute(int task, const json::object& order) {
    const auto work = thread_lane_.work("{}", task);
    if (accident_ != 0) kill(getpid(), std::exchange(accident_, 0));
    try {
      return {{"result", task}, {"value", perform(order)}};
    } catch (const std::exception& error) {
      return {{"failed", task}, {"why", error.what()}};
    }
  }

  const Settings settings_;
  int accident_;  // the thread's
  asio::io_context loop_;
  asio::steady_timer beat_{loop_};
  const pdc::Lane lane_{pdc::task, "loop"}, thread_lane_{"thread"};
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

constexpr int before_the_stop = 5;  // answers that are acknowledged

struct Outcome {
  int before = 0,
      after = 0;       // acknowledged, until the coordinator was stopped, and since it went on
  int left = 0;        // how often the worker left the stopped one
  pdc::Exit end = {};  // of the coordinator
};

/// The coordinator is stopped in the middle of its job, and goes on when the worker has left it.
Outcome work_for_one_that_stops(Settings settings) {
  const OwnSecret secret;
  pdc::Sibling coordinator("coordinator", {"--quiet", "--secret-file", secret.file()});
  settings.coordinator.port(static_cast<std::uint16_t>(std::stoi(coordinator.said("port "))));
  settings.secret = read_secret(secret.file());
  const pdc::Lane lane("coordinator");
  std::optional<pdc::Span> bar(lane.work("deals out"));
  Outcome outcome;
  int beats = 0;
  const auto go_on = [&] {
    pdc::mark("it goes on");
    bar.reset();
    bar.emplace(lane.work("deals out"));
    coordinator.send(SIGCONT);
  };
  settings.acknowledged = [&] {
    outcome.after += outcome.left > 0 ? 1 : 0;
    if (outcome.left > 0 || ++outcome.before != before_the_stop) return;
    coordinator.send(SIGSTOP);
    pdc::await_stop(coordinator.pid());
    pdc::fault("the coordinator is stopped");
    bar.reset();
    bar.emplace(lane.wait("stopped"));
  };
  settings.left = [&] {
    if (outcome.before < before_the_stop || ++outcome.left > 1) return;
    go_on();
  };
  // A worker that stays for much longer than the limit would stay for ever, and could not say so.
  settings.beat = [&] {
    if (outcome.before >= before_the_stop && outcome.left == 0 && ++beats == 4 * silent_after)
      go_on();
  };
  Worker(settings).work();
  if (outcome.after == 0) coordinator.send(SIGKILL);  // nobody will do the rest
  outcome.end = coordinator.wait();
  return outcome;
}

/// What --accident says; 0 for none.
int accident_in(const pdc::Program& program) {
  const std::string& word = program.word("accident");
  if (word == "kill") return SIGKILL;
  if (word == "stop") return SIGSTOP;
  if (word != "none") program.reject(fmt::format("--accident '{}': none, kill or stop", word));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"port", 0, "port of the coordinator; 0: it starts one for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"name", "worker", "what the worker is called"},
       {"silence", 0.5, "seconds without a line after which the coordinator is silent", {0.1, 20}},
       {"patience", 3.0, "seconds without a sign of a coordinator until it goes", {0.1, 86'400}},
       {"accident", "none", "in its first task: none, kill (SIGKILL), stop (SIGSTOP)"}});
  Settings settings{.coordinator = endpoint_in(program),
                    .name = program.word("name"),
                    .secret = "",
                    .silence = program.real("silence"),
                    .patience = program.real("patience"),
                    .accident = accident_in(program)};
  if (program.integer("port") != 0) {
    const std::string& file = program.word("secret-file");
    if (file.empty()) program.reject("--port: it needs the --secret-file of its coordinator, too");
    settings.secret = read_secret(file);
    pdc::set_deadline(0s);  // it serves until it is told to end
    Worker(settings).work();
    return 0;
  }
  const Outcome outcome =
      program.scene("its coordinator goes away, and returns", work_for_one_that_stops, settings);
  pdc::check(outcome.left > 0, "the worker left the coordinator that said nothing",
             "{} answers acknowledged", outcome.before);
  pdc::check(outcome.after > 0, "the worker came back when the coordinator did, and worked on",
             "{} answers acknowledged", outcome.after);
  pdc::check(outcome.end.good(), "the coordinator had each task done once, and ended", "{}",
             outcome.end.text());
  return program.finish();
}
