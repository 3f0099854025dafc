// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address and a secret. It computes on a thread of its own,
//           so that its event loop goes on saying that it lives, and listening whether the
//           coordinator does. When that is gone or silent, the worker leaves, and comes back after
//           pauses that grow and are random, so that not all workers come at once.
// Shows     asio::co_spawn, async_connect, steady_timer, asio::thread_pool; link.hpp: heartbeats
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   its coordinator stopped in mid-job, the pauses, and its successor, which goes on
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "../sockets/listening.hpp"
#include "jobs.hpp"
#include "link.hpp"

#include "pdc/sibling.hpp"

#include <signal.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <fstream>
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
  double silence, patience;  // seconds
  int accident;              // a signal, in the middle of its first task; 0: none
};

/// What a page does about what happens.
struct Witness {
  virtual ~Witness() = default;
  virtual void taken(int /*task*/) {}
  virtual void acknowledged(int /*task*/) {}
  virtual void beat() {}
  virtual void left() {}  // a visit has ended, and not all is done
};

/// A connection, from its beginning to its end.
struct Visit {
  std::shared_ptr<Link> link;
  int in_hand = 0;     // tasks
  bool heard = false;  // signs of life; a task comes at once, and is none
  bool helped = false, done = false;
  std::string why = {};  // it ended
};

/// All but the computing happens on the loop.
class Worker {
 public:
  Worker(Settings settings, Witness& witness)
      : settings_(std::move(settings)), witness_(witness), accident_(settings_.accident) {}

  /// Returns when a coordinator has said that all is done. Ends the program with status 3 when none
  /// has been there for too long.
  void work() {
    asio::co_spawn(loop_, keep_visiting(), pdc::rethrow);
    loop_.run();
  }

 private:
  asio::awaitable<void> keep_visiting() {
    std::mt19937 random{std::random_device()()};
    const auto patience = Milliseconds(static_cast<Milliseconds::rep>(1000 * settings_.patience));
    auto until = Clock::now() + patience;
    Milliseconds limit = first_pause;
    for (;;) {
      const auto visit = std::make_shared<Visit>();
      co_await pay(visit);
      if (visit->done) co_return;
      if (visit->helped) limit = first_pause;  // a connection alone is no help: it may end at once
      const auto now = Clock::now();
      if (visit->heard) until = now + patience;
      if (now > until) {
        pdc::refuse(fmt::format("no coordinator to work for at {} port {}: {}",
                                settings_.coordinator.address().to_string(),
                                settings_.coordinator.port(), visit->why));
      }
      witness_.left();
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
    } catch (const BrokenProtocol& broken) {
      visit->why = broken.what();
    } catch (const boost::system::system_error& error) {
      visit->why = link->is_silent() ? "it says nothing" : error.code().message();
    }
    link->close();
    beat_.cancel();
  }

  /// As on the page `heartbeat`, whatever the thread does.
  asio::awaitable<void> beat_and_watch(std::shared_ptr<Link> link) {
    while (link->is_open()) {
      beat_.expires_after(period_of(settings_.silence));
      co_await beat_.async_wait(asio::as_tuple(asio::use_awaitable));
      const auto send = lane_.send("heartbeat");
      link->beat();
      witness_.beat();
      if (link->is_silent()) link->close();
    }
  }

  /// A message whose code is right. Errors: BrokenProtocol.
  void handle(const std::shared_ptr<Visit>& visit, const json::object& message) {
    if (message.contains("task")) return take(visit, message);
    visit->heard = true;
    if (message.contains("ack")) {
      visit->helped = true;
      witness_.acknowledged(number_in(message, "ack"));
    } else if (message == json::object{{"done", true}}) {
      visit->done = true;
    } else if (!message.contains("alive")) {
      throw BrokenProtocol(message.contains("error") ? text_in(message, "error") : "what is that?");
    }
  }

  void take(const std::shared_ptr<Visit>& visit, const json::object& message) {
    const int task = number_in(message, "task");
    const json::value* job = message.if_contains("job");
    if (job == nullptr || !job->is_object()) throw BrokenProtocol("no job");
    if (++visit->in_hand > most_in_hand) throw BrokenProtocol("too many tasks");
    witness_.taken(task);
    asio::post(thread_, [this, task, order = job->get_object(), visit = std::weak_ptr(visit)] {
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
  Witness& witness_;
  int accident_;  // the thread's
  asio::io_context loop_;
  asio::steady_timer beat_{loop_};
  const pdc::Lane lane_{pdc::task, "loop"}, thread_lane_{"thread"};
  asio::thread_pool thread_{1};  // the last member: the first to go, and waits for its thread
};

constexpr int tasks = 24, before_the_stop = 5, visits_in_vain = 3;

/// Two coordinators of one job, with one journal and one port. The first is stopped in the middle of
/// the job, and killed when the worker has left it. The second is started when the worker has come
/// back twice and found nobody.
class Succession : public Witness {
 public:
  explicit Succession(Settings settings) : settings_(std::move(settings)) {
    settings_.secret = read_secret(secret_.file());
    start("0");
  }

  void run() {
    Worker(settings_, *this).work();
    if (coordinator_) last_end_ = coordinator_->wait().text();
    reign_.reset();
  }

  void claim() const {
    const std::vector<int> times = times_in_journal();
    const auto once = std::ranges::count(times, 1);
    pdc::check(left_ > 0, "the worker left the coordinator that said nothing",
               "{} of {} acknowledged", before_, tasks);
    pdc::check(after_ > 0, "the worker came back, to its successor", "{} acknowledged", after_);
    pdc::check(again_ == 0, "no task was dealt out again that had been acknowledged", "{} of {}",
               again_, before_);
    pdc::check(once == tasks, "every task is in the journal once", "{} of {}", once, tasks);
    pdc::check(last_end_ == "status 0", "the successor found all done, and ended", "{}", last_end_);
  }

  void taken(int task) override { again_ += acknowledged_.contains(task) ? 1 : 0; }
  void acknowledged(int task) override {
    acknowledged_.insert(task);
    after_ += left_ < visits_in_vain ? 0 : 1;
    if (std::ssize(acknowledged_) != before_the_stop || is_stopped_) return;
    coordinator_->send(SIGSTOP);
    pdc::await_stop(coordinator_->pid());
    is_stopped_ = true;
    pdc::fault("the coordinator is stopped");
  }
  /// Whoever stays for much longer than the limit would stay for ever, and could not say so.
  void beat() override {
    if (is_stopped_ && left_ == 0 && ++beats_ == 4 * silent_after) coordinator_->send(SIGCONT);
  }
  void left() override {
    if (!is_stopped_) return;  // it has not met the first one yet
    ++left_;
    if (left_ == 1) {
      coordinator_->send(SIGKILL);
      coordinator_.reset();
      reign_.reset();
      before_ = std::ssize(acknowledged_);
    }
    if (left_ == visits_in_vain) start(fmt::format("{}", settings_.coordinator.port()));
  }

 private:
  void start(const std::string& port) {
    coordinator_.emplace(
        "coordinator",
        std::vector<std::string>{"--quiet", "--poison", "0", "--tasks", fmt::format("{}", tasks),
                                 "--address", address_.to_string(), "--port", port, "--secret-file",
                                 secret_.file(), "--journal", journal_name()});
    settings_.coordinator = {address_,
                             static_cast<std::uint16_t>(std::stoi(coordinator_->said("port ")))};
    reign_.emplace(lane_.work("{}", port == "0" ? "the first" : "its successor"));
  }

  std::string journal_name() const {
    return fmt::format("/proc/{}/fd/{}", getpid(), journal_.get());
  }

  std::vector<int> times_in_journal() const {
    std::vector<int> times(tasks);
    std::ifstream lines(journal_name());
    std::string line;
    std::getline(lines, line);  // which job it is
    while (std::getline(lines, line)) {
      const std::int64_t task = json::parse(line).at("task").as_int64();
      ++times.at(static_cast<std::size_t>(task));
    }
    return times;
  }

  Settings settings_;
  const OwnSecret secret_;
  const pdc::Descriptor journal_{pdc::posix(memfd_create("journal", MFD_CLOEXEC), "memfd_create")};
  // An own address, so that nobody takes the port while no coordinator is there.
  const asio::ip::address_v4 address_{0x7f000000U | static_cast<unsigned>(getpid())};
  std::optional<pdc::Sibling> coordinator_;
  const pdc::Lane lane_{"coordinator"};
  std::optional<pdc::Span> reign_;
  bool is_stopped_ = false;
  int beats_ = 0, left_ = 0, again_ = 0, after_ = 0;
  std::ptrdiff_t before_ = 0;
  std::set<int> acknowledged_;
  std::string last_end_;
};

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
      {{"port", 0, "port of the coordinator; 0: it starts two for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"name", "", "what the worker is called"},
       {"silence", 0.5, "seconds without a line after which the coordinator is silent", {0.01, 20}},
       {"patience", 3.0, "seconds without a sign of a coordinator until it goes", {0.1, 86'400}},
       {"accident", "none", "in its first task: none, kill (SIGKILL), stop (SIGSTOP)"}});
  const std::string& name = program.word("name");
  const std::string& secret = program.word("secret-file");
  Settings settings{.coordinator = endpoint_in(program),
                    .name = name.empty() ? fmt::format("worker {}", getpid()) : name,
                    .secret = secret.empty() ? "" : read_secret(secret),
                    .silence = program.real("silence"),
                    .patience = program.real("patience"),
                    .accident = accident_in(program)};
  if (settings.coordinator.port() == 0) {
    Succession succession(settings);
    program.scene("at work, for two in turn", &Succession::run, succession);
    succession.claim();
    return program.finish();
  }
  if (secret.empty())
    program.reject(fmt::format("--port {}: it needs the --secret-file of its coordinator",
                               settings.coordinator.port()));
  pdc::set_deadline(0s);  // it serves until it is told to end
  Witness nobody;
  Worker(settings, nobody).work();
  return 0;
}
