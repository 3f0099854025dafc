// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address and a secret. It computes on a thread of its own,
//           so that its event loop goes on saying that it lives, and listening whether the
//           coordinator does. When that is gone or silent, the worker leaves, and comes back after
//           pauses that grow and are random, so that not all workers come at once.
// Shows     asio::co_spawn, async_connect, steady_timer, asio::thread_pool; link.hpp: heartbeats
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   its coordinator stopped in mid-job, left, and killed; the successor, which goes on
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "jobs.hpp"
#include "link.hpp"

#include "pdc/sibling.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <optional>
#include <random>
#include <set>

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
  int silent_after;  // heartbeats
  double patience;   // seconds
  // What the page does: on the thread, in the middle of each task;
  std::function<void()> at_work = [] {};
  // and on the loop, with each task that comes or is acknowledged, with each heartbeat, and when a
  // visit has ended before all is done.
  std::function<void(int task)> taken = [](int) {}, acknowledged = [](int) {};
  std::function<void()> beat = [] {}, left = [] {};
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
  explicit Worker(Settings settings) : settings_(std::move(settings)) {}

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
    const auto link = std::make_shared<Link>(tcp::socket(loop_, settings_.coordinator.protocol()),
                                             settings_.silent_after);
    visit->link = link;
    asio::co_spawn(loop_, beat_and_watch(link), pdc::rethrow);
    try {
      co_await link->socket().async_connect(settings_.coordinator, asio::use_awaitable);
      co_await link->greet(settings_.secret, pdc::Side::client);
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
      beat_.expires_after(beat_period);
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
      settings_.acknowledged(message.at("ack").to_number<int>());
    } else if (message == json::object{{"done", true}}) {
      visit->done = true;
    } else if (!message.contains("alive")) {
      throw BrokenProtocol(std::string(message.at("error").as_string()));
    }
  }

  void take(const std::shared_ptr<Visit>& visit, const json::object& message) {
    const int task = message.at("task").to_number<int>();
    if (++visit->in_hand > most_in_hand) throw BrokenProtocol("too many tasks");
    settings_.taken(task);
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
    settings_.at_work();
    try {
      return {{"result", task}, {"value", perform(order)}};
    } catch (const std::exception& error) {
      return {{"failed", task}, {"why", error.what()}};
    }
  }

  const Settings settings_;
  asio::io_context loop_;
  asio::steady_timer beat_{loop_};
  const pdc::Lane lane_{pdc::task, "loop"}, thread_lane_{"thread"};
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

constexpr int tasks = 24, safe_before = 5;  // answers, acknowledged before the stop

/// Two coordinators of one job, with one journal and one port. The first one is stopped in the middle
/// of the job, and killed when the worker has left it. When the worker has come twice and found
/// nobody, the second one is started.
class Succession {
 public:
  struct Outcome {
    int before = 0, after = 0;  // answers that the first one acknowledged, and the second
    int again = 0;       // tasks that the second one dealt out, and the first had acknowledged
    bool left = false;   // the first one, before it was killed
    pdc::Exit end = {};  // of the second
  };

  Outcome work(Settings settings) {
    start("0");
    settings.coordinator = {address_, port_};
    settings.secret = pdc::read_secret(secret_.file());
    settings.at_work = [this] {  // holds one task back: the job is not over before the stop
      if (++begun_ == tasks / 2) stage_.wait(Stage::first);
    };
    settings.taken = [this](int task) { outcome_.again += safe_.contains(task) ? 1 : 0; };
    settings.acknowledged = [this](int task) { note_safe(task); };
    settings.left = [this] { follow_up(); };
    // A worker that stays for much longer than the limit would stay for ever, and could not say so.
    settings.beat = [this, limit = 4 * settings.silent_after] {
      if (stage_ == Stage::stopped && ++beats_ == limit) kill_first();
    };
    Worker(settings).work();
    if (stage_ == Stage::second) outcome_.end = coordinator_->wait();
    return outcome_;
  }

 private:
  enum class Stage { first, stopped, killed, second };

  void start(const std::string& port) {
    const auto journal = fmt::format("/proc/{}/fd/{}", getpid(), journal_.get());
    std::vector<std::string> orders{"--quiet", "--poison", "0", "--tasks",
                                    fmt::format("{}", tasks)};
    orders.insert(orders.end(), {"--address", address_.to_string(), "--port", port});
    orders.insert(orders.end(), {"--secret-file", secret_.file()});
    orders.insert(orders.end(), {"--journal", journal});
    coordinator_.emplace("coordinator", orders);
    port_ = static_cast<std::uint16_t>(std::stoi(coordinator_->said("port ")));
    bar_.emplace(lane_.work("deals out"));
  }

  void note_safe(int task) {
    safe_.insert(task);
    int& count = stage_ == Stage::second ? outcome_.after : outcome_.before;
    ++count;
    if (stage_ == Stage::first && count == safe_before) stop_first();
  }

  /// The worker has left, or found nobody.
  void follow_up() {
    if (stage_ == Stage::first) {
      stop_first();  // the machine is so busy that the worker has left for nothing
    } else if (stage_ == Stage::stopped) {
      outcome_.left = true;
      kill_first();
    } else if (stage_ == Stage::killed && ++in_vain_ == 2) {
      start(fmt::format("{}", port_));
      stage_ = Stage::second;
    }
  }

  void stop_first() {
    coordinator_->send(SIGSTOP);
    pdc::await_stop(coordinator_->pid());
    pdc::fault("the coordinator is stopped");
    bar_.reset();
    bar_.emplace(lane_.wait("stopped"));
    stage_ = Stage::stopped;
    stage_.notify_one();
  }

  void kill_first() {
    coordinator_->send(SIGKILL);
    coordinator_->wait();
    pdc::fault("it is killed");
    bar_.reset();
    stage_ = Stage::killed;
  }

  const pdc::OwnSecret secret_;
  const pdc::Descriptor journal_{pdc::posix(memfd_create("journal", MFD_CLOEXEC), "memfd_create")};
  // An address of its own, so that nobody takes the port while no coordinator is there.
  const asio::ip::address_v4 address_{0x7f000000U | static_cast<unsigned>(getpid())};
  std::uint16_t port_ = 0;
  std::optional<pdc::Sibling> coordinator_;
  const pdc::Lane lane_{"coordinator"};
  std::optional<pdc::Span> bar_;
  std::atomic<Stage> stage_ = Stage::first;
  int begun_ = 0;  // tasks; the thread's
  int in_vain_ = 0, beats_ = 0;
  std::set<int> safe_;  // tasks
  Outcome outcome_;
};

/// What --accident says.
std::function<void()> accident_in(const pdc::Program& program) {
  const std::string& word = program.word("accident");
  if (word == "none") return [] {};
  if (word != "kill" && word != "stop")
    program.reject(fmt::format("--accident '{}': none, kill or stop", word));
  return [signal = word == "kill" ? SIGKILL : SIGSTOP, begun = 0]() mutable {
    if (++begun == 1) kill(getpid(), signal);
  };
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"port", 0, "port of the coordinator; 0: it starts two for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"name", "worker", "what the worker is called"},
       {"silence", 0.5, "seconds without a line after which the coordinator is silent", {0.2, 20}},
       {"patience", 20.0, "seconds without a sign of a coordinator until it goes", {0.1, 86'400}},
       {"accident", "none", "in its first task: none, kill (SIGKILL), stop (SIGSTOP)"}});
  Settings settings{.coordinator = endpoint_in(program),
                    .name = program.word("name"),
                    .secret = "",
                    .silent_after = beats_in(program.real("silence")),
                    .patience = program.real("patience"),
                    .at_work = accident_in(program)};
  if (program.integer("port") != 0) {
    const std::string& file = program.word("secret-file");
    if (file.empty()) program.reject("--port: it needs the --secret-file of its coordinator, too");
    settings.secret = pdc::read_secret(file);
    pdc::set_deadline(0s);  // it serves until it is told to end
    Worker(settings).work();
    return 0;
  }
  Succession succession;
  const auto outcome = program.scene(
      "its coordinator goes away, and a successor comes",
      [&](const Settings& with) { return succession.work(with); }, settings);
  pdc::check(outcome.left, "the worker left the coordinator that said nothing",
             "{} answers acknowledged", outcome.before);
  pdc::check(outcome.after > 0, "the worker came back to the successor, and worked on",
             "{} answers acknowledged", outcome.after);
  pdc::check(outcome.again == 0, "no task was dealt out again that had been acknowledged",
             "{} of {}", outcome.again, outcome.before);
  pdc::check(outcome.after > 0 && outcome.end.good(),
             "in the end the successor had each result once", "{}", outcome.end.text());
  return program.finish();
}
