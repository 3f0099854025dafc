// Worker: takes tasks from a coordinator, says that it lives while it works, and comes back.
//
// Concept   A worker knows nothing but an address and a secret. It computes on a thread of its own,
//           so that its event loop goes on saying that it lives, and listening whether the
//           coordinator does. When that is gone, the worker comes back, after pauses that grow and
//           are a little different each time, so that not all workers come at once.
// Shows     asio::co_spawn, steady_timer; visits.hpp: async_connect, &&, ||; workbench.hpp:
//           asio::thread_pool; seal.hpp: EVP_MAC, CRYPTO_memcmp
// Python    loop.run_in_executor, asyncio.open_connection, hmac.compare_digest
// Run       worker
// You see   its coordinator killed in mid-job, the pauses, and its successor, which goes on
// Next      coordinator deals the tasks out; mandelbrot_async has an image computed by such workers

// SPDX-License-Identifier: MIT
#include "options.hpp"
#include "secret.hpp"
#include "visits.hpp"

#include "pdc/coroutine.hpp"
#include "pdc/deadline.hpp"
#include "pdc/process.hpp"
#include "pdc/program.hpp"
#include "pdc/sibling.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <latch>
#include <random>
#include <set>

namespace {

using namespace job_farm;
using namespace std::chrono_literals;

/// Until the coordinator says that all is done, or none has been there for too long.
asio::awaitable<void> keep_visiting(Visits& visits, const Visits::Settings& settings,
                                    Witness& witness) {
  std::minstd_rand random{std::random_device()()};
  std::uniform_real_distribution<double> part(0.5, 1);
  auto limit = std::chrono::steady_clock::now() + settings.patience;
  auto longest = 50ms;  // of the next pause
  for (;;) {
    const Visits::End end = co_await visits.visit();
    if (end.done) break;
    if (end.acknowledged > 0) longest = 50ms;  // a welcome alone does not help: it may end at once
    const auto now = std::chrono::steady_clock::now();
    if (end.heard) limit = now + settings.patience;
    if (now > limit) {
      pdc::refuse(fmt::format("no coordinator to work for at {} port {}: {}",
                              settings.coordinator.address().to_string(),
                              settings.coordinator.port(), end.why));
    }
    witness.left();
    const auto wait = visits.lane().wait("pause");
    const auto some = std::chrono::duration_cast<std::chrono::nanoseconds>(part(random) * longest);
    asio::steady_timer pause(co_await asio::this_coro::executor, some);
    co_await pause.async_wait(asio::use_awaitable);
    longest = std::min(2 * longest, 1000ms);
  }
}

/// A worker that has an accident in the middle of its first task.
class Accident : public Witness {
 public:
  explicit Accident(int signal) : signal_(signal) {}
  void at_work() override {
    if (signal_ != 0) kill(getpid(), std::exchange(signal_, 0));
  }

 private:
  int signal_;  // 0: none, or no more
};

constexpr int tasks = 24, acknowledged_at_least = 5;

struct Outcome {
  std::vector<pdc::Exit> ends;  // of the coordinators
  int welcomes, unacknowledged, acknowledged_before, dealt_again;
  std::vector<int> times;  // how often each task is in the journal
};

/// Two coordinators of one job, with one journal and one port. The first is killed while the worker
/// has a task in the middle, the second is started when the worker has come twice and found nobody.
class Succession : public Witness {
 public:
  Succession() {
    start("0");
    first_ = coordinator_->pid();
  }

  tcp::endpoint place() const { return {address_, port_}; }
  std::string secret() const { return read_secret(secret_.file()); }

  void at_work() override {
    if (++begun_ != tasks / 2) return;
    safe_.wait();
    kill(first_, SIGKILL);
    pdc::fault("the coordinator is killed");
  }
  void taken(int task) override { again_ += acknowledged_.contains(task) ? 1 : 0; }
  void acknowledged(int task) override {
    acknowledged_.insert(task);
    if (acknowledged_.size() <= acknowledged_at_least) safe_.count_down();
  }
  void left() override {
    if (acknowledged_.empty()) return;  // it has not met the first one yet
    if (++visits_ == 1) {
      reign_.reset();
      acknowledged_before_ = static_cast<int>(acknowledged_.size());
    }
    if (visits_ != 3) return;
    ends_.push_back(coordinator_->wait());
    start(fmt::format("{}", port_));
  }

  Outcome end(const Visits& visits) {
    ends_.push_back(coordinator_->wait());
    reign_.reset();
    return {ends_,  visits.welcomes(), visits.unacknowledged(), acknowledged_before_,
            again_, times_in_journal()};
  }

 private:
  void start(const std::string& port) {
    std::vector<std::string> words{"--quiet", "--workers", "0", "--poison", "0"};
    words.insert(words.end(), {"--tasks", fmt::format("{}", tasks), "--port", port});
    words.insert(words.end(), {"--address", address_.to_string(), "--secret-file", secret_.file()});
    words.insert(words.end(), {"--journal", journal_name()});
    coordinator_.emplace("coordinator", words);
    port_ = static_cast<std::uint16_t>(std::stoi(coordinator_->said("port ")));
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

  const OwnSecret secret_;
  const pdc::Descriptor journal_{pdc::posix(memfd_create("journal", MFD_CLOEXEC), "memfd_create")};
  // An own address, so that nobody takes the port while no coordinator is there.
  const asio::ip::address_v4 address_{0x7f000000U | static_cast<unsigned>(getpid())};
  std::uint16_t port_ = 0;
  std::optional<pdc::Sibling> coordinator_;
  pid_t first_ = 0;
  std::vector<pdc::Exit> ends_;
  std::latch safe_{acknowledged_at_least};
  int begun_ = 0;  // tasks; the thread's
  int visits_ = 0, again_ = 0, acknowledged_before_ = 0;
  std::set<int> acknowledged_;
  const pdc::Lane lane_{"coordinator"};
  std::optional<pdc::Span> reign_;
};

/// Ends when the job does.
void work(asio::io_context& loop, Visits& visits, const Visits::Settings& settings,
          Witness& witness) {
  asio::co_spawn(loop, keep_visiting(visits, settings, witness), pdc::rethrow);
  loop.run();
}

Outcome work_for_two(Visits::Settings settings) {
  Succession succession;
  settings.coordinator = succession.place();
  settings.secret = succession.secret();
  asio::io_context loop;
  Visits visits(loop, settings, succession);
  work(loop, visits, settings, succession);
  return succession.end(visits);
}

int work_for_one(const Visits::Settings& settings, int accident) {
  Accident witness(accident);
  asio::io_context loop;
  Visits visits(loop, settings, witness);
  work(loop, visits, settings, witness);
  return visits.unacknowledged();
}

void claim_succession(const Outcome& outcome) {
  pdc::require(outcome.ends.front().signal == SIGKILL && outcome.acknowledged_before < tasks,
               "the coordinator was killed in the middle of its job", "{} of {} acknowledged",
               outcome.acknowledged_before, tasks);
  pdc::require(outcome.welcomes == 2, "the worker came back, to its successor", "{} welcomes",
               outcome.welcomes);
  pdc::check(outcome.dealt_again == 0, "no task was dealt out again that had been acknowledged",
             "{} of {}", outcome.dealt_again, outcome.acknowledged_before);
  const auto once = std::ranges::count(outcome.times, 1);
  pdc::check(once == tasks, "every task is in the journal once", "{} of {}", once, tasks);
  pdc::check(outcome.ends.back().good(), "the successor found all done, and ended", "{}",
             outcome.ends.back().text());
}

/// What --accident says; 0 for none.
int accident_in(const pdc::Program& program) {
  const std::string& word = program.word("accident");
  if (word == "kill") return SIGKILL;
  if (word == "stop") return SIGSTOP;
  if (word != "none") program.reject(fmt::format("--accident '{}': none, kill or stop", word));
  return 0;
}

Visits::Settings settings_in(const pdc::Program& program) {
  const std::string& name = program.word("name");
  const std::string& secret = program.word("secret-file");
  const tcp::endpoint place = place_in(program);
  if (place.port() != 0 && secret.empty())
    program.reject(
        fmt::format("--port {}: it needs the --secret-file of its coordinator", place.port()));
  return {place, name.empty() ? fmt::format("worker {}", getpid()) : name,
          secret.empty() ? "" : read_secret(secret), seconds_in(program, "heartbeat"),
          seconds_in(program, "patience")};
}

}  // namespace

int main(int argc, char** argv) {
  pdc::Program program(
      argc, argv,
      {{"port", 0, "port of the coordinator; 0: it starts two for itself", {0, 65'535}},
       {"address", "127.0.0.1", "IP address of the coordinator"},
       {"secret-file", "", "file with the secret that the coordinator knows, too"},
       {"name", "", "what the worker is called"},
       {"heartbeat", 0.2, "seconds from sign of life to sign of life", {0.001, 5}},
       {"patience", 3.0, "seconds without a word of a coordinator until it goes", {0.1, 86'400}},
       {"accident", "none", "in its first task: none, kill (SIGKILL), stop (SIGSTOP)"}});
  const Visits::Settings settings = settings_in(program);
  const int accident = accident_in(program);
  int unacknowledged = 0;
  if (settings.coordinator.port() == 0) {
    const Outcome outcome = program.scene("at work, for two in turn", work_for_two, settings);
    claim_succession(outcome);
    unacknowledged = outcome.unacknowledged;
  } else {
    pdc::set_deadline(0s);  // it serves until it is told to end
    unacknowledged = program.scene("at work", work_for_one, settings, accident);
  }
  pdc::check(unacknowledged == 0, "every answer of its last visit was acknowledged");
  return program.finish();
}
